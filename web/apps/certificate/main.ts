// SPDX-License-Identifier: Apache-2.0
// The page at /certificate/{id}: what was examined, what it was found to be and on which sealed evidence, and
// whether that still holds. For anybody who has the address; it prints on a sheet, with its own address as a QR code.
import { html, nothing, svg } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { dateTime, language, t, tMaybe } from '../../i18n/index.js';
import { certificateBrand, publicCertificate, LoupeProblem, type Certificate, type CertificatePoint, type Texts } from '../../sdk/index.js';
import { loadBrand } from '../../ui/brand.js';
import { PageElement, icon } from '../../ui/element.js';
import { brand, setUpPage } from '../../ui/page.js';
import { qrMatrix, qrPath } from '../../ui/qr.js';
import './certificate.css';

setUpPage(t('certificate.title'));

const QUIET = 4; // modules around the code
const said = (texts: Texts | undefined) => (language === 'zh-CN' ? texts?.zh : undefined) ?? texts?.en ?? '';

@customElement('certificate-app')
export class CertificateApp extends PageElement {
  @state() certificate: Certificate | undefined;
  @state() trouble: 'unknown' | 'offline' | undefined;

  readonly #id = decodeURIComponent(location.pathname.split('/').filter(Boolean)[1] ?? '');

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#load();
    void loadBrand(certificateBrand(this.#id));
  }

  async #load(): Promise<void> {
    this.trouble = undefined;
    try {
      this.certificate = await publicCertificate(this.#id);
      document.title = `${this.certificate.number} · ${t('certificate.title')}`;
    } catch (error) {
      this.trouble = error instanceof LoupeProblem && error.status === 404 ? 'unknown' : 'offline';
    }
  }

  protected override render() {
    if (this.trouble) return this.#troubleView(this.trouble);
    const one = this.certificate;
    return one
      ? html`<main class="sheet ${one.state}" data-testid="certificate" data-state=${one.state}>
          ${head(one)} ${verdict(one)} ${facts(one)} ${points(one)} ${foot(one)}
        </main>
        <p class="print-row"><button class="button" @click=${() => window.print()}>${t('certificate.print')}</button></p>`
      : html`<main class="trouble" aria-busy="true">${icon('shield')}<p class="quiet">${t('certificate.loading')}</p></main>`;
  }

  #troubleView(trouble: 'unknown' | 'offline') {
    return html`<main class="trouble" data-testid="certificate-trouble" data-trouble=${trouble}>
      ${icon('warn')}
      <h1>${trouble === 'unknown' ? t('certificate.unknown.title') : t('link.offline.title')}</h1>
      <p class="quiet">${trouble === 'unknown' ? t('certificate.unknown.text') : t('link.offline.text')}</p>
      ${trouble === 'offline'
        ? html`<button class="button main" @click=${() => void this.#load()}>${t('action.retry')}</button>`
        : nothing}
    </main>`;
  }
}

function code(url: string) {
  const matrix = qrMatrix(url);
  const size = matrix.length + 2 * QUIET;
  return html`<svg class="code" data-testid="certificate-code" viewBox="${-QUIET} ${-QUIET} ${size} ${size}" role="img"
    aria-label=${t('certificate.code', { url })} shape-rendering="crispEdges">
    ${svg`<path d=${qrPath(matrix)}></path>`}</svg>`;
}

function head(one: Certificate) {
  return html`<header class="sheet-head">
    <div>
      ${brand()}
      <h1>${t('certificate.title')}</h1>
      <p class="number numbers" data-testid="certificate-number">${one.number}</p>
      <p class="quiet small">${t('certificate.issued', { merchant: one.merchant, at: dateTime(one.issued_at) })}</p>
    </div>
    <figure>${code(`${location.origin}/certificate/${one.id}`)}
      <figcaption class="small quiet">${t('certificate.scan')}</figcaption></figure>
  </header>`;
}

function verdict(one: Certificate) {
  const revoked = one.state === 'revoked';
  return html`<section class="verdict ${revoked ? 'off' : one.verdict}" data-testid="certificate-verdict" data-verdict=${one.verdict}>
    ${icon(revoked || one.verdict !== 'genuine' ? 'warn' : 'shield')}
    <div>
      ${revoked
        ? html`<h2>${t('certificate.revoked')}</h2>
            <p>${t('certificate.revokedAt', { at: dateTime(one.revoked_at ?? one.issued_at), why: tMaybe('certificate.reason.', one.reason ?? '') })}</p>
            <p class="small">${t('certificate.was', { verdict: tMaybe('verdict.', one.verdict) })}</p>`
        : html`<h2>${tMaybe('verdict.', one.verdict)}</h2>
            <p>${tMaybe('certificate.says.', one.verdict)}</p>
            ${one.disputed ? html`<p data-testid="certificate-disputed"><strong>${t('certificate.disputed')}</strong></p>` : nothing}
            <p class="small" data-testid="certificate-holds">${t('certificate.valid', { at: dateTime(Date.now()) })}</p>`}
    </div>
  </section>`;
}

function row(name: string, value: unknown) {
  return value ? html`<dt>${name}</dt><dd>${value}</dd>` : nothing;
}

function facts(one: Certificate) {
  const list = one.checklist;
  return html`<section class="about" aria-label=${t('certificate.what')}>
    <h2>${t('certificate.what')}</h2>
    <dl class="facts">
      ${row(t('certificate.item'), one.item)} ${row(t('case.category'), one.category)} ${row(t('case.brand'), one.brand)}
      ${row(t('certificate.examined'), dateTime(one.examined_at))}
      ${row(t('certificate.by'), one.blind
        ? t('certificate.byBlind', { n: one.appraisers })
        : one.appraisers > 1 ? t('certificate.bySeveral', { n: one.appraisers }) : t('certificate.byOne'))}
      ${row(t('certificate.checklist'), t('certificate.checklistOf', { name: said(list.name), version: list.version }))}
    </dl>
  </section>`;
}

const MARKS: Record<string, string> = { consistent: 'check', inconsistent: 'close', unclear: 'eye', not_applicable: 'list' };

function judgement(word: string) {
  return html`<span class="judgement ${word}">${icon(MARKS[word] ?? 'list')}${tMaybe('judgement.', word)}</span>`;
}

function point(one: CertificatePoint) {
  return html`<li data-testid="certificate-point">
    <h3>${said(one.title)}</h3>
    <p class="judgements">${one.judgements.map(judgement)}</p>
    ${one.evidence.length > 0
      ? html`<ul class="hashes">${one.evidence.map(
          ({ object, sha256, at }) => html`<li><span class="small quiet">${tMaybe('certificate.object.', object)}${at ? ` · ${dateTime(at)}` : ''}</span>
            <code>${sha256}</code></li>`,
        )}</ul>`
      : nothing}
  </li>`;
}

function points(one: Certificate) {
  return html`<section aria-label=${t('certificate.points')}>
    <h2>${t('certificate.points')}</h2>
    <p class="small quiet">${t('certificate.evidence')}</p>
    <ol class="points">${one.points.map(point)}</ol>
  </section>`;
}

function foot(one: Certificate) {
  return html`<footer class="small quiet">
    <p>${t('certificate.check', { url: `${location.origin}/certificate/${one.id}` })}</p>
    <p>${t('certificate.chain', { seq: one.timeline.seq })} <code>${one.timeline.hash}</code></p>
    <p>${t('certificate.checklistHash')} <code>${one.checklist.sha256}</code></p>
    <p data-testid="certificate-signed">${t('certificate.signed', { at: dateTime(one.signed_at), key: one.key.kid })}
      <a data-testid="certificate-copy" href="/api/v1/certificates/${one.id}" download="${one.number}.json">${t('certificate.copy')}</a></p>
  </footer>`;
}
