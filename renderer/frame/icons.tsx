/** The page's few pictograms, drawn on a 20 x 20 grid with the current text color. Decoration: the text beside them says what they mean. */
import type { ReactNode } from 'react'

function icon(shape: ReactNode) {
  return function Icon({ size = 18 }: { readonly size?: number }) {
    return (
      <svg
        aria-hidden="true"
        fill="none"
        height={size}
        stroke="currentColor"
        strokeLinecap="round"
        strokeLinejoin="round"
        strokeWidth="1.5"
        viewBox="0 0 20 20"
        width={size}
      >
        {shape}
      </svg>
    )
  }
}

export const FileIcon = icon(<path d="M5 2.500h6l4 4v11H5zM11 2.500v4h4" />)
export const ReportIcon = icon(<path d="M5 2.500h6l4 4v11H5zM11 2.500v4h4M7.500 10h5M7.500 13h5" />)
export const FolderIcon = icon(<path d="M2.5 5.500v10h15v-8h-8l-2-2z" />)
export const SparkIcon = icon(<path d="M10 2.500l1.7 5.8 5.8 1.7-5.8 1.700L10 17.500l-1.7-5.800L2.5 10l5.8-1.700z" />)
export const GearIcon = icon(
  <>
    <circle cx="10" cy="10" r="2.5" />
    <path d="M10 2.500v2M10 15.500v2M2.5 10h2M15.5 10h2M4.7 4.700l1.4 1.400M13.9 13.900l1.4 1.400M4.7 15.300l1.4-1.400M13.9 6.100l1.4-1.4" />
  </>,
)
export const SearchIcon = icon(
  <>
    <circle cx="9" cy="9" r="5" />
    <path d="M13 13l4 4" />
  </>,
)
export const BackIcon = icon(<path d="M12 4.500L6.5 10l5.5 5.5" />)
export const CloseIcon = icon(<path d="M5.5 5.500l9 9M14.5 5.500l-9 9" />)
export const HistoryIcon = icon(
  <>
    <path d="M4.500 6.500A7 7 0 1 1 3 10.500M4 2.500v4h4" />
    <path d="M10 6.500V10.500l3 2" />
  </>,
)
export const MoreIcon = icon(<path d="M4.500 10h.1M10 10h.1M15.500 10h.1" strokeWidth="2.500" />)
export const CheckIcon = icon(<path d="M4 10.500l4 4 8-9" />)
export const WarningIcon = icon(<path d="M10 3L2.5 16.500h15zM10 8v4M10 14.200v.1" />)
export const TableIcon = icon(<path d="M3 4h14v12H3zM3 8h14M3 12h14M9 4v12" />)
export const DownloadIcon = icon(<path d="M10 3v9M6 8.500L10 12.500l4-4M4 16.500h12" />)
export const DropIcon = icon(<path d="M10 3v9M6.5 8.500L10 12l3.5-3.500M3 12.500v4h14v-4" />)
export const ArrowIcon = icon(<path d="M4 10h12M12 6l4 4-4 4" />)
export const CompareIcon = icon(<path d="M3 5c4 0 4 10 14 10M3 9c5 0 6 3.5 14 3.5" />)
export const ChevronIcon = icon(<path d="M5 7.500l5 5 5-5" />)
export const ListIcon = icon(<path d="M7 5h10M7 10h10M7 15h10M3.500 5h.01M3.500 10h.01M3.500 15h.01" />)
export const SlidersIcon = icon(
  <>
    <path d="M3 6h8M15 6h2M3 14h2M9 14h8" />
    <circle cx="13" cy="6" r="2" />
    <circle cx="7" cy="14" r="2" />
  </>,
)
export const UndoIcon = icon(<path d="M7 4L3.500 7.500 7 11M4 7.500h8a4.500 4.500 0 010 9H8" />)
export const RedoIcon = icon(<path d="M13 4l3.500 3.500L13 11M16 7.500H8a4.500 4.500 0 000 9h4" />)
export const PulseIcon = icon(<path d="M2.500 10h3l2-5 4 10 2.500-5h3.500" />)
export const PinIcon = icon(<path d="M7.500 3h5l-.7 5 2.700 3h-9l2.700-3zM10 11v6" />)
