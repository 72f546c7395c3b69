// SPDX-License-Identifier: Apache-2.0
// What is booked of a case, as the server says it.

/** A call-back, an appointment, or a message in their stead. */
export interface Booking {
  id: string;
  kind: 'callback' | 'appointment' | 'message';
  state: 'booked' | 'ringing' | 'open' | 'kept' | 'done' | 'cancelled';
  at?: string;
  ends_at?: string;
  agent?: string;
  skill?: string;
  note?: string;
  tries: number;
  booked_by: string;
  booked_at: string;
}

/** A time that can be booked. */
export interface FreeTime {
  at: string;
  ends_at: string;
  free: number;
}

/** As in the list of bookings. */
export interface BookedCase {
  case: { id: string; number: string; title: string; kind: string; state: string; buyer_name: string };
  booking: Booking;
}
