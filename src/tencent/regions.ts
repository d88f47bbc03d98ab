// Where the upstream lives. The host must match the app's data centre, else it answers 60026 (CONTRACT 1.2).
export const REGIONS = {
  china: 'console.tim.qq.com',
  singapore: 'adminapisgp.im.qcloud.com',
  seoul: 'adminapikr.im.qcloud.com',
  tokyo: 'adminapijpn.im.qcloud.com',
  frankfurt: 'adminapiger.im.qcloud.com',
  'silicon-valley': 'adminapiusa.im.qcloud.com',
  jakarta: 'adminapiidn.im.qcloud.com',
  mumbai: 'adminapiind.im.qcloud.com',
  riyadh: 'adminapiksa.im.qcloud.com',
} as const;

export type Region = keyof typeof REGIONS;

/** The base URL of a region's REST API. */
export function regionBaseUrl(region: Region): string {
  return `https://${REGIONS[region]}`;
}
