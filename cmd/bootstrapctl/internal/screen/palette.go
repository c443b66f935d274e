package screen

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A palette colours text, or returns it unchanged if it is false.
type palette bool

// paletteFor returns colours for a terminal unless NO_COLOR is set, see
// no-color.org.
func paletteFor(w io.Writer, getenv func(string) string) palette {
	return palette(isTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb")
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	return err == nil
}

// A color is a parameter of the escape sequence that sets it.
type color string

const (
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
)

func (p palette) paint(c color, text string) string {
	if !bool(p) || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
