export { drawQr, type QrPicture } from './draw-qr.js';
export { parseQrStyle, QR_CORRECTIONS, QR_DEFAULTS, QR_FORMATS, type QrStyle } from './qr-style.js';
