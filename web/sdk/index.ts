// SPDX-License-Identifier: Apache-2.0
// Loupe's client library: a session (LoupeClient), the media of a call (LoupeCall), the HTTP interface
// (LoupeRest), and help with cameras.
export { LoupeCall, type CallEvents, type CallOptions, type CallState, type Slot } from './call.js';
export {
  RegionTrack, WishQueue, canSendRegions, regionWithin, type CameraMembers, type CameraState, type Region,
} from './camera.js';
export { LoupeClient, type ClientEvents, type ClientOptions, type ClientState } from './client.js';
export {
  cameraAbilities, explainMediaError, listCameras, openCamera, openMicrophone, setTorch, setZoom,
  type CameraAbilities, type CameraWish, type MediaTrouble,
} from './devices.js';
export {
  Drawing, type DrawingEvents, type DrawingOptions, type Frozen, type Picture, type Pointer, type Shape, type Spot,
  type Stroke,
} from './drawing.js';
export { browserEnv, type Env, type SocketLike } from './env.js';
export { NetworkWatch, judge, type Known, type Measured } from './network.js';
export { saysPlace, sendPhotograph, takePhotograph } from './photograph.js';
export { sendAttachment, type Attachment } from './upload.js';
export * from './protocol.js';
export { sealOpinion } from './opinion.js';
export {
  LoupeProblem, LoupeRest, certificateBrand, publicCertificate, type Brand, type CaseQuery, type Page, type Problem, type RestOptions, type SealedOpinion,
} from './rest.js';
export { encodingCount, encodingsFor, planEncodings, type PublishHint, type SendPlan, type Size } from './sending.js';
export { readToken, type TokenClaims } from './token.js';
export { watchElement, type View } from './viewing.js';
export { keepAwake } from './wakelock.js';
