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

/** Greys with a little of the glass in them, as in page.css. From text to page. */
const dark: MantineColorsTuple = ["#e4e9ee", "#c6cfd8", "#a3adb8", "#84909c", "#3d4751", "#323b44", "#242c34", "#1b2128", "#161b21", "#12161b"]

export const theme = createTheme({
  primaryColor: "glass",
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { glass, dark },
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
