import * as z from 'zod'
import { Namespace } from '../../model/names.ts'
import { parseSelector } from '../../model/query/selector.ts'
import { commonFields } from '../source-kind.ts'

/** A label selector in Kubernetes' grammar. */
const selector = () =>
  z.string().superRefine((text, context) => {
    try {
      parseSelector(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'is no label selector' })
    }
  })

export const KubernetesConfig = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('kubernetes'),
      ...commonFields(),
      namespaces: z
        .array(Namespace)
        .min(1, 'must name at least one namespace; leave it out to watch all')
        .transform((names) => [...new Set(names)])
        .optional()
        .describe(
          'Namespaces that are watched, and trusted to introduce stdio commands; all if left out. Named ones need no cluster role.',
        ),
      kubeconfig: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Path of a kubeconfig. If left out, the service account of the pod; outside a cluster the source is disabled.',
        ),
      context: z.string().min(1).optional().describe('Context of the kubeconfig; its current one if left out.'),
      config_map_selector: selector()
        .default('mcp-server-config=true')
        .describe('Label selector of ConfigMaps that list servers.'),
      service_selector: selector().default('mcp-server=true').describe('Label selector of Services that are servers.'),
      endpoint_slice_selector: selector()
        .default('kubernetes.io/service-name')
        .describe(
          "Label selector of the EndpointSlices that are watched. Kubernetes copies a Service's labels to its slices, so in a large cluster the service_selector saves work here.",
        ),
      allow_external_name: z
        .boolean()
        .default(false)
        .describe('Whether Services of type ExternalName are taken. Whoever may write one can point it anywhere.'),
      cluster_domain: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be a DNS name, such as cluster.local')
        .optional()
        .describe(
          'Appended to the host of Services (`name.namespace.svc`); needed where clients do not search it by themselves.',
        ),
      per_endpoint: z.boolean().default(false).describe('Lists each ready pod of a Service as a server of its own.'),
      profiles: z
        .array(z.enum(['kagent', 'app_protocol']))
        .default([])
        .describe(
          'Also takes Services that other systems mark: `kagent` (label kagent.dev/mcp-service=true), `app_protocol` (an MCP appProtocol of agentgateway or kgateway, whatever the labels).',
        ),
    })
    .refine(({ kubeconfig, context }) => context === undefined || kubeconfig !== undefined, {
      path: ['context'],
      message: 'is of no use without a kubeconfig',
    }),
)
export type KubernetesConfig = z.output<typeof KubernetesConfig>
