package main

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-colorable"
	"golang.org/x/term"
)

// A painter writes to a terminal, in colours and within its width. It writes plain
// text to other files, or if NO_COLOR is set.
type painter struct {
	io.Writer
	terminal, colour bool
	width            int // of a line; 0 if there is no limit
}

const maxWidth = 100 // longer lines are hard to read

func newPainter(w io.Writer) *painter {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &painter{Writer: w}
	}
	p := &painter{Writer: colorable.NewColorable(f), terminal: true, width: maxWidth}
	p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		p.width = min(width, maxWidth)
	}
	return p
}

func (p *painter) paint(code, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *painter) bold(text string) string   { return p.paint("1", text) }
func (p *painter) dim(text string) string    { return p.paint("2", text) }
func (p *painter) red(text string) string    { return p.paint("1;31", text) }
func (p *painter) green(text string) string  { return p.paint("32", text) }
func (p *painter) yellow(text string) string { return p.paint("1;33", text) }

// wrap breaks a text at spaces so that it fits to the right of indent columns. It
// indents all lines except the first.
func (p *painter) wrap(text string, indent int) string {
	if p.width == 0 || p.width <= indent+20 {
		return text
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && indent+utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > p.width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return strings.Join(append(lines, line), "\n"+strings.Repeat(" ", indent))
}
