const ZERO = 48;
const NINE = 57;
const PLUS = 43;
const MINUS = 45;
const POINT = 46;
/** Up to here every integer, and every integer divided by a power of ten up to the 22nd, is exact or rightly rounded. */
const DIGITS_MAX = 15;
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const SPECIAL = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;

/**
 * Reads the number that text from `from` to `to` is, as Prometheus writes them, into `out[row]`. False when it is none; then
 * `out` is as before. Decimals are rounded as JavaScript does. Nothing is allocated for those of up to 15 digits.
 */
export function readNumber(text: string, from: number, to: number, out: Float64Array, row: number): boolean {
  let at = from;
  const sign = text.charCodeAt(at);
  if (sign === MINUS || sign === PLUS) at++;
  let digits = 0;
  let mantissa = 0;
  let decimals = 0;
  let point = false;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      mantissa = mantissa * 10 + (code - ZERO);
      digits++;
      if (point) decimals++;
    } else if (code === POINT && !point) point = true;
    else return readRare(text.slice(from, to), out, row);
  }
  if (digits === 0 || digits > DIGITS_MAX) return readRare(text.slice(from, to), out, row);
  const value = decimals === 0 ? mantissa : mantissa / POWERS_OF_TEN[decimals];
  out[row] = sign === MINUS ? -value : value;
  return true;
}

function readRare(text: string, out: Float64Array, row: number): boolean {
  if (FLOAT.test(text)) {
    out[row] = Number(text);
    return true;
  }
  const special = SPECIAL.exec(text);
  if (special === null) return false;
  out[row] = special[2] === undefined ? (special[1] === "-" ? -Infinity : Infinity) : NaN;
  return true;
}
