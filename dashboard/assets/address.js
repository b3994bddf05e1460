// The reader's choices in the address of the page: they survive a reload, and can be shared.

/** The parameters of the address. */
export const parameters = () => new URLSearchParams(location.search);

/** Sets parameters; null takes one out. Nothing is added to the history. */
export function setParameters(changes) {
  const query = parameters();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) {
      query.delete(name);
    } else {
      query.set(name, value);
    }
  }
  const search = query.size > 0 ? `?${query}` : '';
  if (search !== location.search) history.replaceState(null, '', location.pathname + search + location.hash);
}
