// Numbers and times in the reader's language.

/** Shown in place of a missing number. */
export const NO_NUMBER = '–';

/** The reader's languages that the browser supports. */
const languages = (navigator.languages ?? []).filter((language) => {
  try {
    return Intl.NumberFormat.supportedLocalesOf(language).length > 0;
  } catch {
    return false; // Not a language tag.
  }
});
const reader = languages.length > 0 ? languages : 'en';

const wholeFormat = new Intl.NumberFormat(reader, { maximumFractionDigits: 0 });
const pointsFormat = new Intl.NumberFormat(reader, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const percentFormats = [0, 1, 2].map(
  (digits) =>
    new Intl.NumberFormat(reader, {
      style: 'percent',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
);
const clock = new Intl.DateTimeFormat(reader, { timeStyle: 'medium' });
const dayAndClock = new Intl.DateTimeFormat(reader, { dateStyle: 'medium', timeStyle: 'medium' });

/** @param {number} number */
export const whole = (number) => wholeFormat.format(number);

/** A share of one, in percent. */
export const percent = (share, digits = 1) => percentFormats[digits].format(share);

/** A share of one, in points: percent without the sign. */
export const points = (share) => pointsFormat.format(share * 100);

/** Votes that one is behind, as a difference. */
export const minus = (behind) => (behind === 0 ? NO_NUMBER : `−${whole(behind)}`);

/** The time of day; with the day when it is not today. */
export function time(instant) {
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return NO_NUMBER;
  const today = date.toDateString() === new Date().toDateString();
  return (today ? clock : dayAndClock).format(date);
}

/** Part of a whole; of nothing it is 0. */
export const shareOf = (part, all) => (all === 0 ? 0 : part / all);
