import { createTheme, Drawer, Modal, type MantineColorsTuple } from "@mantine/core"

/** The blue of the glass. */
const glass: MantineColorsTuple = [
  "#e6f6fc",
  "#cfeaf6",
  "#9ed5ec",
  "#6abfe1",
  "#41acd8",
  "#279fd1",
  "#0e7ba8",
  "#0a6a92",
  "#055a7d",
  "#004a69",
]

export const theme = createTheme({
  primaryColor: "glass",
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { glass },
  defaultRadius: "md",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // A <header> of its own would be a second banner of the page.
    ModalHeader: Modal.Header.extend({ defaultProps: { role: "presentation" } }),
    DrawerHeader: Drawer.Header.extend({ defaultProps: { role: "presentation" } }),
  },
})
