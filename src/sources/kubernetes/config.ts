import * as z from 'zod'
import { Namespace } from '../../model/names.ts'
import { parseSelector } from '../../model/query/selector.ts'
import { commonFields } from '../source-kind.ts'

/** A label selector in the grammar of Kubernetes. */
const labelSelector = () =>
  z.string().superRefine((text, context) => {
    try {
      parseSelector(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'invalid label selector' })
    }
  })

export const KubernetesConfig = z.lazy(() =>
  z
    .strictObject({
      type: z.literal('kubernetes'),
      ...commonFields(),
      namespaces: z
        .array(Namespace)
        .min(1, 'must name at least one namespace; omit it to watch all')
        .transform((names) => [...new Set(names)])
        .optional()
        .describe(
          'Namespaces to watch, and to trust with stdio commands; default: all, untrusted. Named ones need no cluster role.',
        ),
      kubeconfig: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Path of a kubeconfig. Default: the service account of the pod; outside a cluster the source is disabled.',
        ),
      context: z.string().min(1).optional().describe('Context of the kubeconfig; default: its current context.'),
      config_map_selector: labelSelector()
        .default('mcp-server-config=true')
        .describe('Label selector of ConfigMaps that list servers.'),
      service_selector: labelSelector()
        .default('mcp-server=true')
        .describe('Label selector of Services that are servers.'),
      endpoint_slice_selector: labelSelector()
        .default('kubernetes.io/service-name')
        .describe(
          "Label selector of the EndpointSlices to watch. Kubernetes copies a Service's labels to its slices, so the service_selector saves work in a large cluster.",
        ),
      allow_external_name: z
        .boolean()
        .default(false)
        .describe('Accepts Services of type ExternalName, which can point to any host.'),
      annotation_urls: z
        .enum(['same_namespace_service', 'cluster', 'any'])
        .default('same_namespace_service')
        .describe(
          'Hosts that the annotations `mcp-roster.io/url` and `…/health-check-url` may name: Services of their own namespace (`NAME.NAMESPACE.svc`), Services of any namespace, or any host. Metadata addresses never.',
        ),
      cluster_domain: z
        .string()
        .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be a DNS name, such as cluster.local')
        .optional()
        .describe(
          'Domain appended to the host of Services (`name.namespace.svc`), for clients whose DNS search list lacks it.',
        ),
      per_endpoint: z.boolean().default(false).describe('Lists each ready pod of a Service as a separate server.'),
      profiles: z
        .array(z.enum(['kagent', 'app_protocol']))
        .default([])
        .describe(
          'Also accepts Services marked for other systems: `kagent` (label kagent.dev/mcp-service=true), `app_protocol` (an MCP appProtocol of agentgateway or kgateway, with any labels).',
        ),
    })
    .refine(({ kubeconfig, context }) => context === undefined || kubeconfig !== undefined, {
      path: ['context'],
      message: 'requires kubeconfig',
    }),
)
export type KubernetesConfig = z.output<typeof KubernetesConfig>
