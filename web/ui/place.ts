// SPDX-License-Identifier: Apache-2.0
// Puts an element somewhere along a line: custom properties set from script, because a style attribute in
// a template would be stopped by the content security policy.
import { nothing, type ElementPart } from 'lit';
import { Directive, PartType, directive, type PartInfo } from 'lit/directive.js';

class PlaceDirective extends Directive {
  constructor(info: PartInfo) {
    super(info);
    if (info.type !== PartType.ELEMENT) throw new Error('place stands in a tag, not in an attribute');
  }

  override render(_from: number, _to?: number): typeof nothing {
    return nothing;
  }

  override update(part: ElementPart, [from, to = from]: [number, number?]): typeof nothing {
    const { style } = part.element as HTMLElement;
    style.setProperty('--from', String(from));
    style.setProperty('--to', String(to));
    return nothing;
  }
}

/** html`<i ${place(0.1, 0.4)}></i>`: shares of the line, for CSS as --from and --to. */
export const place = directive(PlaceDirective);
