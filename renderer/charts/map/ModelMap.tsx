/** The model at a glance: error, rank or bytes saved of each matrix. Fills in as the analysis proceeds, and follows every goal after it. */
import { SegmentedControl } from '@mantine/core'
import { useCallback, useMemo, useState } from 'react'
import type { FileReport, TensorReport } from '../../../core/contract.ts'
import { modelMap } from '../../../core/model-map.ts'
import { mapPicture } from '../../../core/report/map-picture.ts'
import { fittedScale, stepOf } from '../../../core/report/map-scale.ts'
import { useSelection } from '../../choices/selection.ts'
import { useStatistics } from '../../choices/statistics.ts'
import { type Outlook, useOutlook } from '../../model/figures/outlook.ts'
import { selectTensor } from '../../model/looking/analysis.ts'
import { useWords } from '../../words/words.ts'
import { ChartFrame } from '../plot/ChartFrame.tsx'
import { copyPicture, saveCsv, savePng, saveSvg } from '../plot/export.ts'
import type { MapCell } from './draw.ts'
import { MapDetails, useDescription } from './MapDetails.tsx'
import { type Looked, MapGrid } from './MapGrid.tsx'
import { MapLegend } from './MapLegend.tsx'
import { MapTable } from './MapTable.tsx'
import { csvHeader, csvRow, mapRecords } from './records.ts'

/** Of the line below the map, in px. */
const detailsHeight = 24

/** What a cell shows. */
const quantities = ['error', 'weight', 'rank', 'saved'] as const
type MapQuantity = (typeof quantities)[number]

/** The last choice holds for this browser. */
const rememberedKey = 'ghostsvd.map'
const remembered = (): MapQuantity => quantities.find((one) => one === localStorage.getItem(rememberedKey)) ?? 'error'

const quantityOf: Readonly<Record<MapQuantity, (outlook: Outlook, bytes: number) => number | null>> = {
  error: ({ error, errorAtHalf }) => error ?? errorAtHalf,
  // Of what has no statistics the error is that of its weights.
  weight: ({ error, weightError, planned }) => weightError ?? (planned ? error : null),
  rank: ({ rank }) => rank,
  saved: ({ rank, inInt8, bytesAfter }, bytes) =>
    (rank === null && !inInt8) || bytes === 0 ? null : 1 - bytesAfter / bytes,
}

export function ModelMap({ report }: { readonly report: FileReport }) {
  const { t, numbers } = useWords()
  const [wanted, setQuantity] = useState(remembered)
  const covered = useStatistics(({ chosen }) => chosen?.covered ?? null)
  // Without statistics every error is one of weights.
  const quantity = wanted === 'weight' && !covered ? 'error' : wanted
  const [looked, setLooked] = useState<Looked | null>(null)
  const map = useMemo(() => modelMap(report.tensors.filter(({ matrix }) => matrix !== null)), [report])
  const outlookOf = useOutlook()
  const records = useMemo(() => mapRecords(map, outlookOf), [map, outlookOf])
  const shown = quantityOf[quantity]
  const scale = useMemo(
    () =>
      fittedScale(
        records.flatMap(({ outlook, tensor }) => shown(outlook, tensor.byteLength) ?? []),
        quantity === 'rank' ? Number.POSITIVE_INFINITY : 1,
      ),
    [records, shown, quantity],
  )
  const open = records.filter(({ outlook, tensor }) => !outlook.kept && shown(outlook, tensor.byteLength) === null)
  // Before a goal has settled the ranks: what each would come to at half its bytes.
  const halves = quantity === 'error' && records.some(({ outlook }) => outlook.errorAtHalf !== null)
  const quantityWords = t(
    halves ? 'map.errorAtHalf' : quantity === 'error' && covered ? 'map.outputError' : `map.quantities.${quantity}`,
  )
  const unknown =
    open.length === 0 ? null : halves || open.some(({ outlook }) => outlook.rank !== null) ? 'unknown' : 'noRank'
  const describe = useDescription()
  const show = quantity === 'rank' ? numbers.count : numbers.tickPercent
  const cellOf = useCallback(
    (tensor: TensorReport): MapCell => {
      const outlook = outlookOf(tensor)
      const value = shown(outlook, tensor.byteLength)
      const look = value !== null ? stepOf(value, scale) : outlook.kept ? 'kept' : 'unknown'
      // Two digits of a share are what a cell has room for.
      const text =
        value === null
          ? ''
          : quantity === 'error' && value <= outlook.resolution
            ? numbers.shortError(value, outlook.resolution)
            : show(quantity === 'rank' ? value : Number(value.toPrecision(2)))
      return { look, text, marked: covered !== null && !covered.has(tensor.name) }
    },
    [outlookOf, scale, shown, show, numbers, quantity, covered],
  )
  const said = useCallback((tensor: TensorReport) => describe(tensor, outlookOf(tensor)), [describe, outlookOf])
  const selected = useSelection((state) => state.tensor)
  const title = t('map.title', { name: report.name })
  const fileName = `${report.name}.map`
  const picture = () =>
    mapPicture({
      title,
      facts: [quantityWords],
      map,
      cellOf,
      low: show(scale.low),
      high: show(scale.high),
      kept: t('map.kept'),
    })

  if (map.layers.length === 0) return <p className="dimmed empty">{t('map.none')}</p>
  return (
    <ChartFrame
      legend={
        <MapLegend
          high={show(scale.high)}
          low={show(scale.low)}
          title={quantityWords}
          unknown={unknown}
          unweighted={covered ? records.filter(({ tensor }) => !covered.has(tensor.name)).length : 0}
        />
      }
      save={{
        svg: () => saveSvg(picture(), fileName),
        png: () => void savePng(picture(), fileName),
        copy: () => copyPicture(picture()),
        csv: () => saveCsv(csvHeader, records.map(csvRow), fileName),
      }}
      table={() => <MapTable records={records} title={title} />}
      title={title}
      tools={
        <SegmentedControl
          aria-label={t('map.quantity')}
          data={quantities
            .filter((value) => covered !== null || value !== 'weight')
            .map((value) => ({
              value,
              label: t(value === 'error' && covered ? 'map.outputError' : `map.quantities.${value}`),
            }))}
          onChange={(value) => {
            setQuantity(value as MapQuantity)
            localStorage.setItem(rememberedKey, value)
          }}
          size="xs"
          value={quantity}
        />
      }
    >
      {(frame) => (
        <div className="map-body">
          <div className="map-picture">
            <MapGrid
              cellOf={cellOf}
              describe={said}
              frame={{ width: frame.width, height: frame.height - detailsHeight }}
              map={map}
              onLook={setLooked}
              onSelect={selectTensor}
              selected={selected}
              title={title}
            />
          </div>
          <MapDetails frame={frame} looked={looked} outlookOf={outlookOf} />
        </div>
      )}
    </ChartFrame>
  )
}
