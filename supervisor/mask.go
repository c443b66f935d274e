package supervisor

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"bootstrap/protocol"
)

const (
	hidden     = "***" // stands where a secret was
	minSecret  = 4     // bytes; what is shorter is in every text
	maxSecrets = 200   // lines; new ones take the place of the oldest, as some change now and then
)

// A Mask hides secrets in texts. The zero value knows none; nil will do where
// there is none to learn. Its methods may be called at the same time.
type Mask struct {
	mu       sync.Mutex
	secrets  []string                         // lines of them
	replacer atomic.Pointer[strings.Replacer] // nil: none is known
}

// Learn makes the mask hide these values, too, and each line of them. What has
// fewer than four bytes is no secret.
func (m *Mask) Learn(values ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := false
	for _, value := range values {
		for line := range strings.Lines(value) {
			line = strings.TrimSpace(line)
			if len(line) >= minSecret && !slices.Contains(m.secrets, line) {
				m.secrets, news = append(m.secrets, line), true
			}
		}
	}
	if news {
		m.secrets = m.secrets[max(0, len(m.secrets)-maxSecrets):]
		m.replacer.Store(replacer(m.secrets))
	}
}

// replacer hides secrets, the longest first, in each form in which they may be
// quoted.
func replacer(secrets []string) *strings.Replacer {
	var forms []string
	for _, secret := range secrets {
		quoted, escaped := strconv.Quote(secret), asJSON(secret)
		forms = append(forms, secret, quoted[1:len(quoted)-1], escaped[1:len(escaped)-1],
			url.QueryEscape(secret), url.PathEscape(secret))
	}
	slices.SortStableFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, hidden)
	}
	return strings.NewReplacer(pairs...)
}

func asJSON(text string) string {
	b, _ := json.Marshal(text) // a string: cannot fail
	return string(b)
}

// Hide replaces all secrets in a text.
func (m *Mask) Hide(text string) string {
	if m == nil {
		return text
	}
	if r := m.replacer.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// HideTail does so in a text whose beginning was cut off, maybe within a
// secret.
func (m *Mask) HideTail(text string) string {
	if m == nil {
		return text
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	cut := 0 // the longest beginning that ends a secret
	for _, secret := range m.secrets {
		for from := 0; from <= len(secret)-minSecret; from++ {
			if strings.HasPrefix(text, secret[from:]) {
				cut = max(cut, len(secret)-from)
				break
			}
		}
	}
	if cut > 0 {
		return hidden + m.Hide(text[cut:])
	}
	return m.Hide(text)
}

// failure is f without secrets.
func (m *Mask) failure(f *protocol.Failure) *protocol.Failure {
	masked := &protocol.Failure{Type: m.Hide(f.Type), Message: m.Hide(f.Message)}
	for _, line := range f.Stack {
		masked.Stack = append(masked.Stack, m.Hide(line))
	}
	return masked
}
