package logs

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

func TestMask(t *testing.T) {
	const key = `wJalr/XUtn"FEMI+K7 MDENG`
	var m Mask
	m.Learn("AKIDEXAMPLE", "AKIDEXAMPLE-longer", key, `it's a "\ one`, "caf\u00e9-au-lait", "latin\xe9\xe8one", "", "abc", "-----BEGIN KEY-----\nline-one\nab\n\nline-two\r\n",
		"emoji-\U0001F600-pw", "pg://u:p%2Fw@h", `C:\temp"x`, `a'\<b>`, "first-and", "and-second", "xyxyx", "tab\tback\\quote\"")
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "a plain line", "a plain line"},
		{"whole", "AKIDEXAMPLE", "***"},
		{"within", "key=AKIDEXAMPLE;", "key=***;"},
		{"twice", "AKIDEXAMPLE AKIDEXAMPLE", "*** ***"},
		{"the longer of two", "AKIDEXAMPLE-longer", "***"},
		{"one behind the other", "AKIDEXAMPLEAKIDEXAMPLE", "******"},
		{"two that overlap", "the first-and-second one", "the *** one"},
		{"with itself", "-xyxyxyxyx-", "-***-"},
		{"quoted by Go", fmt.Sprintf("%q", key), `"***"`},
		{"JSON", `{"k":"wJalr/XUtn\"FEMI+K7 MDENG"}`, `{"k":"***"}`},
		{"in a query", "/?token=wJalr%2FXUtn%22FEMI%2BK7+MDENG&x=1", "/?token=***&x=1"},
		{"in a path", "/wJalr%2FXUtn%22FEMI+K7%20MDENG/", "/***/"},
		{"in JavaScript's URL", "?t=wJalr%2FXUtn%22FEMI%2BK7%20MDENG&", "?t=***&"},
		{"in Python's URL", "?t=wJalr/XUtn%22FEMI%2BK7%20MDENG&", "?t=***&"},
		{"in small letters", "?t=wJalr%2fXUtn%22FEMI%2bK7%20MDENG&", "?t=***&"},
		{"quoted by hclog", `error="it's a \"\ one"`, `error="***"`},
		{"quoted by Node", "{ a: `it's a \"\\\\ one` }", "{ a: `***` }"},
		{"traced by a shell", `+ : 'it'\''s a "\ one'`, "+ : '***'"},
		{"traced by a shell, with a backslash", `+ : 'a'\''\<b>'`, "+ : '***'"},
		{"quoted by Python", `KeyError('it\'s a "\\ one')`, "KeyError('***')"},
		{"quoted by Python, with a tab", `token 'tab\tback\\quote"'`, "token '***'"},
		{"quoted as ASCII", `caf\u00e9-au-lait`, "***"},
		{"JSON of PHP", `"wJalr\/XUtn\"FEMI+K7 MDENG"`, `"***"`},
		{"JSON of .NET", `"wJalr/XUtn\u0022FEMI\u002BK7 MDENG"`, `"***"`},
		{"JSON of Gson, in small letters", `"wJalr\u002fXUtn\"FEMI\u002bK7 MDENG"`, `"***"`},
		{"JSON in JSON", `{"m":"{\"k\":\"wJalr\\/XUtn\\\"FEMI\\u002BK7 MDENG\"}"}`, `{"m":"{\"k\":\"***\"}"}`},
		{"a URL in the JSON of PHP", `"https:\/\/x\/?t=wJalr%2FXUtn%22FEMI%2BK7+MDENG&"`, `"https:\/\/x\/?t=***&"`},
		{"all escaped", `\x77\u004aalr\u002f%58Utn\u0022FEMI\U0000002bK7\x20MDENG`, "***"},
		{"beyond the first plane", `"emoji-\ud83d\ude00-pw"`, `"***"`},
		{"a percent sign of its own, in the JSON of PHP", `"pg:\/\/u:p%2Fw@h"`, `"***"`},
		{"a backslash of its own, as hclog has it", `"C:\temp\"x"`, `"***"`},
		{"no UTF-8, as JSON has it", "latin\uFFFD\uFFFDone", "***"},
		{"no UTF-8, as a tail has it", "latin\uFFFDone", "***"},
		{"no UTF-8", "latin\xe9\xe8one", "***"},
		{"short values are none", "abc ab", "abc ab"},
		{"each line of one", "line-two then line-one", "*** then ***"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := m.Hide(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A mask also hides the beginning of a secret that was cut off.
func TestMaskCut(t *testing.T) {
	var m Mask
	m.Learn("0123456789abcdef", "89abcdef-other")
	for text, want := range map[string]string{
		"0123456789abcdef and 0123456…": "*** and ***…",
		"and 0123…":                     "and ***…",
		"and 012…":                      "and 012…", // fewer than four bytes reveal nothing
		"and 0123":                      "and 0123", // it is whole
		"0123456789abcdef…":             "***…",
		"0123456789abcdef-o…":           "***…",
		"nothing…":                      "nothing…",
		"…":                             "…",
		"and 0123… (a hint)":            "and ***… (a hint)",
		`and 012\u0033\u00…`:            `and ***…`,
		"and 012%33%…":                  "and ***…",
		"and 01234\\…":                  "and ***…",
		"":                              "",
	} {
		if got := m.Hide(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := (*Mask)(nil).Hide("any…"); got != "any…" {
		t.Errorf("no mask: got %q", got)
	}
}

// The rest of a secret is hidden in a text that was cut within it.
func TestMaskPart(t *testing.T) {
	var m Mask
	m.Learn("0123456789abcdef", "9abcdef-other")
	for text, want := range map[string]string{
		"123456789abcdef and 0123456789abcdef": "*** and ***",
		"cdef and":                             "*** and",
		"def and":                              "def and", // fewer than four bytes tell nothing
		"9abcdef-other x":                      "*** x",
		"cdef and 0123":                        "*** and ***",
		"cdef and 0123\n":                      "*** and 0123\n", // what was written whole
		"0123456789abcdef":                     "***",
		"456789ab":                             "***", // within one
		`0039\u0061bcdef and`:                  "*** and",
		`39\u0061bcdef and`:                    "*** and",
		`and 012\u0033\u00`:                    "and ***",
		"nothing":                              "nothing",
		"":                                     "",
	} {
		if got := m.HidePart(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A mask forgets the oldest secrets that came with events, and no others.
func TestMaskForgets(t *testing.T) {
	var m Mask
	m.Learn("for good", "line of\nmany lines")
	for i := range maxPassing + 1 {
		m.LearnPassing(fmt.Sprintf("secret-%04d", i))()
		m.LearnPassing(fmt.Sprintf("secret-%04d", i), fmt.Sprintf("secret-%04d", i), "for good")()
	}
	if got := m.Hide("secret-0000 secret-0001 secret-0200 for good many lines"); got != "secret-0000 *** *** *** ***" {
		t.Errorf("got %q", got)
	}
}

// The secrets of a running event are hidden, however many others come meanwhile.
func TestMaskHolds(t *testing.T) {
	var m Mask
	first := m.LearnPassing("secret-of-first", "of both")
	second := m.LearnPassing("of both")
	for i := range 2 * maxPassing {
		m.LearnPassing(fmt.Sprintf("secret-%04d", i))()
	}
	if got := m.Hide("secret-of-first of both secret-0000"); got != "*** *** secret-0000" {
		t.Errorf("both are running: got %q", got)
	}
	first()
	m.LearnPassing("another")()
	if got := m.Hide("secret-of-first of both"); got != "secret-of-first ***" {
		t.Errorf("one is over: got %q", got)
	}
	second()
	m.LearnPassing("newer")()
	if got := m.Hide("of both"); got != "of both" || len(m.secrets) != maxPassing {
		t.Errorf("both are over: got %q, %d secrets", got, len(m.secrets))
	}
}

func TestMaskNone(t *testing.T) {
	var none *Mask
	for _, m := range []*Mask{none, {}} {
		if got := m.Hide("text") + m.HidePart("text"); got != "texttext" {
			t.Errorf("got %q, want the text as it was", got)
		}
	}
}

func TestMaskAtTheSameTime(t *testing.T) {
	var m Mask
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			secret := fmt.Sprintf("secret-%04d", i)
			for range 100 {
				m.Learn(secret)
				if got := m.Hide(secret) + m.HidePart(secret); got != "******" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	group.Wait()
}

// The cost of an event does not grow with the number of earlier secrets. It is a
// few times 0.01 ms, for the new secret alone.
func TestMaskCost(t *testing.T) {
	few, many := maskCost(5), maskCost(2*maxPassing)
	t.Logf("%v for an event after a few, %v after many", few, many)
	if many > 5*few {
		t.Errorf("got %v for an event after many, want it as after a few: %v", many, few)
	}
}

// maskCost returns how long an event with a new secret takes after a number of
// others, in the fastest of several rounds.
func maskCost(others int) time.Duration {
	const rounds, events = 20, 20
	best := time.Hour
	for range rounds {
		var m Mask
		for n := range others {
			maskEvent(&m, n)
		}
		began := time.Now()
		for n := range events {
			maskEvent(&m, others+n)
		}
		best = min(best, time.Since(began)/events)
	}
	return best
}

func maskEvent(m *Mask, n int) {
	defer m.LearnPassing(token(n))()
	m.Hide(`2026-01-01T00:00:00.000Z [INFO]  bootstrap: event: request_id=0a1b run="1.2ms" exit=0`)
}

// token returns the nth token, of 1 KB. All tokens begin in the same way.
func token(n int) string {
	return fmt.Sprintf("MIIG%s%032d", strings.Repeat("abcdefghijklmnopqrstuvwxyz0123+/", 31), n)
}

// A mask hides each secret, however it is escaped, and nothing else.
func FuzzMask(f *testing.F) {
	f.Add("s3cr3t/key+1", "before ", " after", byte(0))
	f.Add("pa%ss\\word\"x", "{\"k\":\"", "\"}", byte(7))
	f.Fuzz(func(t *testing.T, secret, before, after string, way byte) {
		lines := secretLines([]string{secret})
		if len(lines) != 1 || lines[0] != secret || !utf8.ValidString(secret) || strings.ContainsRune(secret, utf8.RuneError) {
			t.Skip()
		}
		var m Mask
		m.Learn(secret)
		escaped := []func(string) string{
			func(s string) string { return s },
			func(s string) string { b, _ := json.Marshal(s); return string(b[1 : len(b)-1]) },
			func(s string) string { q := strconv.Quote(s); return q[1 : len(q)-1] },
			func(s string) string { q := strconv.QuoteToASCII(s); return q[1 : len(q)-1] },
			url.QueryEscape,
			url.PathEscape,
		}[way%6](secret)
		if got := m.Hide("<" + escaped + ">"); got != "<***>" {
			t.Errorf("%q as %q: got %q", secret, escaped, got)
		}
		text := before + "<" + escaped + ">" + after
		if got := m.Hide(text); !strings.Contains(got, hidden) {
			t.Errorf("%q in %q: got %q", secret, text, got)
		}
		m.HidePart(text) // must not panic
	})
}
