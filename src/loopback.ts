/** Whether a host, as HOST or a URL's `hostname` has it, is this machine alone. */
export const isLoopback = (host = ''): boolean => /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
