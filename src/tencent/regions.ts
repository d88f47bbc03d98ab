// Where the upstream lives. The host must match the app's data centre, else it answers 60026 (contract 1.2).

type Hosts = { readonly primary: string; readonly backup: string };

const hosts = (name: string): Hosts => ({ primary: `${name}.im.qcloud.com`, backup: `${name}.my-imcloud.com` });

/** Every data centre that is known (contract 1.2); a backup serves where DNS of the primary is tampered with. */
export const REGIONS = {
  china: { primary: 'console.tim.qq.com', backup: 'adminapi.my-imcloud.com' },
  singapore: hosts('adminapisgp'),
  seoul: hosts('adminapikr'),
  tokyo: hosts('adminapijpn'),
  frankfurt: hosts('adminapiger'),
  'silicon-valley': hosts('adminapiusa'),
  jakarta: hosts('adminapiidn'),
  mumbai: hosts('adminapiind'),
  riyadh: hosts('adminapiksa'),
} as const satisfies Record<string, Hosts>;

export type Region = keyof typeof REGIONS;

/** Whether a setting names a region that is known. */
export function isRegion(name: string): name is Region {
  return Object.hasOwn(REGIONS, name);
}

/** The base URL of a region's REST API. */
export function regionBaseUrl(region: Region, host: keyof Hosts = 'primary'): string {
  return `https://${REGIONS[region][host]}`;
}
