package logs

import (
	"cmp"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	hidden     = "***" // stands where a secret was
	minSecret  = 4     // bytes; what is shorter is in every text
	maxPassing = 200   // lines of secrets that come with events, but for those in hand
)

// A Mask hides secrets in texts. The zero value knows none; nil will do where
// there is none to learn. Its methods may be called at the same time.
type Mask struct {
	mu      sync.Mutex
	lasting []string              // lines of secrets
	passing []string              // of those that come with events, the oldest first
	held    map[string]int        // which of these are of events in hand
	known   atomic.Pointer[known] // nil: nothing is
}

// Learn makes the mask hide these values, too, and each line of them. What has
// fewer than four bytes is no secret.
func (m *Mask) Learn(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if news := m.lines(values); len(news) > 0 {
		m.lasting = append(m.lasting, news...)
		m.renew()
	}
}

// LearnPassing does so with what comes with an event, until done is called and
// for some time more: it changes now and then, and new ones take the place of
// the oldest of events that are over.
func (m *Mask) LearnPassing(values ...string) (done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := m.lines(values)
	m.hold(lines, 1)
	all := len(m.passing) + len(lines)
	m.passing = slices.DeleteFunc(m.passing, func(line string) bool { return slices.Contains(lines, line) })
	m.passing = append(m.passing, lines...) // the newest, also where they were known
	if known := all - len(m.passing); known < len(lines) {
		m.forget()
		m.renew()
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.hold(lines, -1)
	}
}

// hold counts the events in hand that came with them.
func (m *Mask) hold(lines []string, n int) {
	if m.held == nil {
		m.held = map[string]int{}
	}
	for _, line := range lines {
		if m.held[line] += n; m.held[line] == 0 {
			delete(m.held, line)
		}
	}
}

// forget drops the oldest that are too many, but for those of events in hand.
func (m *Mask) forget() {
	for i := 0; len(m.passing) > maxPassing && i < len(m.passing); {
		if m.held[m.passing[i]] > 0 {
			i++
			continue
		}
		m.passing = slices.Delete(m.passing, i, i+1)
	}
}

// lines are those of values, but for the lasting ones.
func (m *Mask) lines(values []string) []string {
	return slices.DeleteFunc(secretLines(values), func(line string) bool { return slices.Contains(m.lasting, line) })
}

func secretLines(values []string) (lines []string) {
	for _, value := range values {
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); len(line) >= minSecret && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func (m *Mask) renew() {
	k := &known{}
	for _, secret := range slices.Concat(m.lasting, m.passing) {
		k.forms = append(k.forms, forms(secret)...)
	}
	var pairs []string
	for _, form := range k.forms {
		pairs = append(pairs, form, hidden)
	}
	k.replacer = strings.NewReplacer(pairs...)
	m.known.Store(k)
}

// A known is what a mask knows at a time.
type known struct {
	forms    []string          // of all secrets
	replacer *strings.Replacer // looks for all at once; nil: there is none
}

func (m *Mask) knows() *known {
	if m != nil {
		if k := m.known.Load(); k != nil {
			return k
		}
	}
	return &known{}
}

// in reports whether the text holds a secret.
func (k *known) in(text string) bool {
	return k.replacer != nil && k.replacer.Replace(text) != text
}

// forms are how a secret may look: as it is, with U+FFFD for what is no UTF-8,
// quoted (package hclog leaves \ alone, Node and Python the quotes), in a URL,
// and in the single quotes of a shell's trace or of Python.
func forms(secret string) []string {
	quoted, ascii, escaped := strconv.Quote(secret), strconv.QuoteToASCII(secret), asJSON(secret)
	all := append(inURL(secret),
		secret, strings.ToValidUTF8(secret, "\uFFFD"), string([]rune(secret)),
		quoted[1:len(quoted)-1], ascii[1:len(ascii)-1], escaped[1:len(escaped)-1],
		strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`),
		strings.ReplaceAll(secret, `"`, `\"`), strings.ReplaceAll(secret, `\`, `\\`),
		strings.ReplaceAll(secret, "'", `'\''`),
		strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(secret))
	slices.Sort(all)
	return slices.Compact(all)
}

// inURL: what is escaped there, and how a space is, differs from library to
// library, and so does the case of the digits.
func inURL(secret string) []string {
	query := url.QueryEscape(secret)
	percent := strings.ReplaceAll(query, "+", "%20")
	all := []string{
		query, percent, url.PathEscape(secret),
		strings.ReplaceAll(percent, "%2F", "/"),                                                          // Python's quote
		strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(percent), // JavaScript's encodeURIComponent
	}
	for _, form := range all {
		all = append(all, escapes().ReplaceAllStringFunc(form, strings.ToLower))
	}
	return all
}

var escapes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("%[0-9A-F]{2}") })

func asJSON(text string) string {
	b, _ := json.Marshal(text) // a string: cannot fail
	return string(b)
}

// Hide replaces all secrets in a text; those that overlap, by one mark.
func (m *Mask) Hide(text string) string {
	k := m.knows()
	if !k.in(text) {
		return text
	}
	return blot(text, k.find(text))
}

// HideHead does so in a text whose end may be cut off, within a secret.
func (m *Mask) HideHead(text string) string {
	k := m.knows()
	return blot(text, append(k.find(text), k.begun(text)))
}

// HidePart does so in a text that may be cut off at both ends.
func (m *Mask) HidePart(text string) string {
	k := m.knows()
	return blot(text, append(k.find(text), k.rest(text), k.begun(text)))
}

// begun is the longest end of the text that begins a secret.
func (k *known) begun(text string) span {
	n := k.longest(text, func(form string, n int) bool { return strings.HasSuffix(text, form[:n]) })
	return span{len(text) - n, len(text)}
}

// rest is the longest beginning of the text that ends a secret.
func (k *known) rest(text string) span {
	return span{0, k.longest(text, func(form string, n int) bool { return strings.HasPrefix(text, form[len(form)-n:]) })}
}

// longest is how many bytes of a secret, at most, the text shares with it.
func (k *known) longest(text string, shares func(form string, n int) bool) (longest int) {
	for _, form := range k.forms {
		for n := min(len(form), len(text)); n >= max(minSecret, longest+1); n-- {
			if shares(form, n) {
				longest = n
			}
		}
	}
	return longest
}

// A span is a part of a text, from one byte up to another.
type span struct{ from, to int }

// find returns where the text holds a secret.
func (k *known) find(text string) (found []span) {
	for _, form := range k.forms {
		for from := 0; ; from++ {
			at := strings.Index(text[from:], form)
			if at < 0 {
				break
			}
			from += at
			found = append(found, span{from, from + len(form)})
		}
	}
	return found
}

// blot hides these parts of the text.
func blot(text string, parts []span) string {
	slices.SortFunc(parts, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	end := 0 // of what is written, or hidden
	for _, p := range parts {
		switch {
		case p.from == p.to:
			continue
		case p.from >= end:
			b.WriteString(text[end:p.from] + hidden)
		}
		end = max(end, p.to)
	}
	return b.String() + text[end:]
}

// HideCut is Hide for a text that may have been cut, and ends in … then.
func (m *Mask) HideCut(text string) string {
	if head, cut := strings.CutSuffix(text, "…"); cut {
		return m.HideHead(head) + "…"
	}
	return m.Hide(text)
}
