package screen

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// An ownLine is one of the runtime's own lines in the log, which hclog formats.
type ownLine struct {
	level, message string
	pairs          []pair
}

type pair struct{ key, value string }

var (
	ownForm  = regexp.MustCompile(`^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d{4}) \[(\w+)\] +bootstrap(?:\.\w+)*: (.*)$`)
	pairForm = regexp.MustCompile(`(?:^|\s)([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)`)
)

// readOwn parses one of the runtime's own lines, and reports whether it is one.
func readOwn(line string) (own ownLine, ok bool) {
	m := ownForm.FindStringSubmatch(line)
	if m == nil {
		return own, false
	}
	own.level, own.message = m[1], m[2]
	first := pairForm.FindStringIndex(m[2])
	if first == nil {
		return own, true
	}
	own.message = strings.TrimSuffix(strings.TrimSpace(m[2][:first[0]]), ":")
	for _, p := range pairForm.FindAllStringSubmatch(m[2][first[0]:], -1) {
		value := p[2]
		if text, err := strconv.Unquote(value); err == nil {
			value = text
		}
		own.pairs = append(own.pairs, pair{p[1], value})
	}
	return own, true
}

// ownLevel returns the level of one of the runtime's own lines, and "" for other lines.
// It takes a tenth of the time of readOwn.
func ownLevel(line string) string {
	if m := ownForm.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

func (l ownLine) value(key string) string {
	for _, p := range l.pairs {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// short returns the line without the time, the name of the runtime and the values
// that the screen shows elsewhere.
func (l ownLine) short() string {
	text := l.message
	for _, p := range l.pairs {
		if p.key != "platform" {
			text += " " + p.key + "=" + quoteIfNeeded(p.value)
		}
	}
	return text
}

func quoteIfNeeded(value string) string {
	if value == "" || strings.ContainsAny(value, " \t\n\"") {
		return strconv.Quote(value)
	}
	return value
}

// startText summarizes what the runtime starts, and its limits that differ from the
// defaults.
func (l ownLine) startText(dir string) string {
	adapter := l.value("adapter")
	text := l.value("platform") + ", " + adapter + " " + strings.ReplaceAll(l.value("command"), dir+"/", "")
	if adapter == "none" {
		text = l.value("platform") + ", handler " + l.value("command")
	}
	if interpreter, _, ok := strings.Cut(adapter, " function"); ok && interpreter != "bash" {
		text += ", with this machine's " + interpreter
	}
	for _, p := range l.pairs {
		switch {
		case p.key == "platform" || p.key == "adapter" || p.key == "command":
		case !strings.HasSuffix(p.value, "(default)"):
			text += ", " + strings.ReplaceAll(p.key, "_", " ") + " " + p.value
		}
	}
	return text
}

// LastLine returns, for people, the last line of the log of a process that has exited:
// what it wrote, or the error of our own runtime. It returns an empty string if there is
// neither.
func LastLine(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	for _, line := range slices.Backward(lines) {
		own, isOwn := readOwn(line)
		switch {
		case isOwn && own.level == "ERROR":
			return cmp.Or(strings.TrimPrefix(own.value("error"), cannotStart), own.short())
		case !isOwn && strings.TrimSpace(line) != "":
			return "its last line: " + line
		}
	}
	return ""
}
