/** The model at a glance: how much error each matrix takes at its rank. Fills in as the analysis proceeds, and follows every goal after it. */
import { SegmentedControl } from '@mantine/core'
import { useCallback, useMemo, useState } from 'react'
import type { FileReport, TensorReport } from '../../../core/contract.ts'
import { modelMap } from '../../../core/model-map.ts'
import { mapPicture } from '../../../core/report/map-picture.ts'
import { fittedScale, stepOf, wholeScale } from '../../../core/report/map-scale.ts'
import { useSelection } from '../../choices/selection.ts'
import { AnalyzeButton, AnalyzePlace } from '../../model/AnalyzeModel.tsx'
import { selectTensor } from '../../model/analysis.ts'
import { useOutlook } from '../../model/outlook.ts'
import { useWords } from '../../words/words.ts'
import { ChartFrame } from '../ChartFrame.tsx'
import { copyPicture, saveCsv, savePng, saveSvg } from '../export.ts'
import { MapDetails, useDescription } from './MapDetails.tsx'
import { type MapCell, MapGrid } from './MapGrid.tsx'
import { MapLegend } from './MapLegend.tsx'
import { MapTable } from './MapTable.tsx'
import { csvHeader, csvRow, mapRecords } from './records.ts'

const ranges = ['fitted', 'whole'] as const

export function ModelMap({ report }: { readonly report: FileReport }) {
  const { t } = useWords()
  const [range, setRange] = useState<(typeof ranges)[number]>('fitted')
  const [looked, setLooked] = useState<TensorReport | null>(null)
  const map = useMemo(() => modelMap(report.tensors.filter(({ matrix }) => matrix !== null)), [report])
  const outlookOf = useOutlook()
  const records = useMemo(() => mapRecords(map, outlookOf), [map, outlookOf])
  const scale = useMemo(
    () => (range === 'whole' ? wholeScale : fittedScale(records.flatMap(({ outlook }) => outlook.error ?? []))),
    [records, range],
  )
  const open = records.filter(({ outlook }) => !outlook.kept && outlook.error === null)
  const unknown = open.length === 0 ? null : open.some(({ outlook }) => outlook.rank !== null) ? 'unknown' : 'noRank'
  const describe = useDescription()
  const { tickPercent } = useWords().numbers
  const cellOf = useCallback(
    (tensor: TensorReport): MapCell => {
      const outlook = outlookOf(tensor)
      const { kept, error } = outlook
      const look = kept ? 'kept' : error === null ? 'unknown' : stepOf(error, scale)
      // Two digits are what a cell has room for.
      const text = error === null ? '' : tickPercent(Number(error.toPrecision(2)))
      return { look, text, description: describe(tensor, outlook) }
    },
    [outlookOf, scale, describe, tickPercent],
  )
  const selected = useSelection((state) => state.tensor)
  const fileName = `${report.name}.map`
  const picture = () =>
    mapPicture({
      title: t('map.title', { name: report.name }),
      facts: [t('chart.error')],
      map,
      cellOf,
      low: tickPercent(scale.low),
      high: tickPercent(scale.high),
      kept: t('map.kept'),
    })

  if (map.layers.length === 0) return <p className="dimmed empty">{t('map.none')}</p>
  return (
    <ChartFrame
      legend={<MapLegend scale={scale} unknown={unknown} />}
      save={{
        svg: () => saveSvg(picture(), fileName),
        png: () => void savePng(picture(), fileName),
        copy: () => copyPicture(picture()),
        csv: () => saveCsv(csvHeader, records.map(csvRow), fileName),
      }}
      table={() => <MapTable records={records} title={t('map.title', { name: report.name })} />}
      title={t('map.title', { name: report.name })}
      tools={
        <>
          <AnalyzePlace>
            <AnalyzeButton />
          </AnalyzePlace>
          <SegmentedControl
            aria-label={t('map.range')}
            data={ranges.map((value) => ({ value, label: t(`map.ranges.${value}`) }))}
            onChange={(value) => setRange(value as typeof range)}
            size="xs"
            value={range}
          />
        </>
      }
    >
      {(frame) => (
        <div className="map-body">
          <div className="map-picture">
            <MapGrid
              cellOf={cellOf}
              frame={frame}
              map={map}
              onLook={setLooked}
              onSelect={selectTensor}
              selected={selected}
              title={t('map.title', { name: report.name })}
            />
          </div>
          <MapDetails outlook={looked && outlookOf(looked)} tensor={looked} />
        </div>
      )}
    </ChartFrame>
  )
}
