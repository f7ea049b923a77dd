import type { Status } from '../../../client/index.ts'
import { Table } from '../../parts/table.tsx'
import { linkTo } from '../../router.ts'
import { capabilitiesTexts as texts } from '../../texts/mesh/capabilities.ts'
import { statusTexts } from '../../texts/status.ts'
import { providerPlace } from '../agents/agent-view.ts'
import type { CapabilityGroup, OfferedCapability } from './capability-groups.ts'

/** Capabilities of the table, offers of one that stand in its row, and offers that are listed at all. */
const maxRows = 300
const maxInRow = 5
const maxOffers = 200

/** Capabilities, each with those that offer it. */
export function CapabilityTable({ groups }: { readonly groups: readonly CapabilityGroup[] }) {
  return (
    <>
      <Table columns={texts.columns} class="capabilities">
        {groups.slice(0, maxRows).map((group) => (
          <CapabilityLine key={group.name} group={group} />
        ))}
      </Table>
      {groups.length > maxRows && <p class="soft">{texts.moreGroups(groups.length - maxRows)}</p>}
    </>
  )
}

function CapabilityLine({ group }: { readonly group: CapabilityGroup }) {
  const { name, description, offers, healthy, versions, tags, kinds } = group
  const rest = offers.length - maxInRow
  return (
    <tr data-name={name}>
      <td>
        <strong>
          <bdi>{name}</bdi>
        </strong>
        {kinds
          .filter((kind) => kind !== 'declared')
          .map((kind) => (
            <span key={kind} class="badge">
              {kind}
            </span>
          ))}
        {description !== '' && (
          <div class="soft description" title={description}>
            <bdi>{description}</bdi>
          </div>
        )}
      </td>
      <td class="offers">
        <span class={healthy > 0 ? 'status healthy' : 'status unhealthy'}>
          <span aria-hidden="true">{healthy > 0 ? '●' : '✕'}</span> {texts.healthyOf(healthy, offers.length)}
        </span>
        <Offers offers={offers.slice(0, maxInRow)} />
        {rest > 0 && (
          <details>
            <summary>{texts.more(rest)}</summary>
            <Offers offers={offers.slice(maxInRow, maxInRow + maxOffers)} />
            {rest > maxOffers && <p class="soft">{texts.more(rest - maxOffers)}</p>}
          </details>
        )}
      </td>
      <td class="versions">{versions.join(', ')}</td>
      <td>
        <bdi>{tags.join(', ')}</bdi>
      </td>
    </tr>
  )
}

function Offers({ offers }: { readonly offers: readonly OfferedCapability[] }) {
  return (
    <ul>
      {offers.map(({ agent_id: id, agent_status: status, version }, index) => {
        const { shape, word } = statusTexts[status as Status] ?? { shape: '○', word: status }
        return (
          <li key={`${id} ${index}`} class={status}>
            <span aria-hidden="true">{shape}</span>{' '}
            <a href={linkTo(providerPlace(id))}>
              <bdi>{id}</bdi>
            </a>{' '}
            <span class="soft">
              {version}, {word}
            </span>
          </li>
        )
      })}
    </ul>
  )
}
