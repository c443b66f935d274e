package logs

import (
	"fmt"
	"sync"
	"testing"
)

func TestMask(t *testing.T) {
	const key = `wJalr/XUtn"FEMI+K7 MDENG`
	var m Mask
	m.Learn("AKIDEXAMPLE", "AKIDEXAMPLE-longer", key, `it's a "\ one`, "caf\u00e9-au-lait", "latin\xe9\xe8one", "", "abc", "-----BEGIN KEY-----\nline-one\nab\n\nline-two\r\n",
		"first-and", "and-second", "xyxyx", "tab\tback\\quote\"")
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
		{"quoted by Python", `KeyError('it\'s a "\\ one')`, "KeyError('***')"},
		{"quoted by Python, with a tab", `token 'tab\tback\\quote"'`, "token '***'"},
		{"quoted as ASCII", `caf\u00e9-au-lait`, "***"},
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

// Nor one that was cut at its end.
func TestMaskCut(t *testing.T) {
	var m Mask
	m.Learn("0123456789abcdef", "89abcdef-other")
	for text, want := range map[string]string{
		"0123456789abcdef and 0123456…": "*** and ***…",
		"and 0123…":                     "and ***…",
		"and 012…":                      "and 012…", // fewer than four bytes tell nothing
		"and 0123":                      "and 0123", // it is whole
		"0123456789abcdef…":             "***…",
		"0123456789abcdef-o…":           "***…",
		"nothing…":                      "nothing…",
		"…":                             "…",
		"":                              "",
	} {
		if got := m.HideCut(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := (*Mask)(nil).HideCut("any…"); got != "any…" {
		t.Errorf("no mask: got %q", got)
	}
}

// A text that was cut within a secret does not show the rest of it.
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
		"nothing":                              "nothing",
		"":                                     "",
	} {
		if got := m.HidePart(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Of what comes with events the oldest is forgotten, and nothing else.
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

// What came with an event is hidden for as long as that is in hand, whatever
// comes meanwhile.
func TestMaskHolds(t *testing.T) {
	var m Mask
	first := m.LearnPassing("secret-of-first", "of both")
	second := m.LearnPassing("of both")
	for i := range 2 * maxPassing {
		m.LearnPassing(fmt.Sprintf("secret-%04d", i))()
	}
	if got := m.Hide("secret-of-first of both secret-0000"); got != "*** *** secret-0000" {
		t.Errorf("in hand: got %q", got)
	}
	first()
	m.LearnPassing("another")()
	if got := m.Hide("secret-of-first of both"); got != "secret-of-first ***" {
		t.Errorf("one is over: got %q", got)
	}
	second()
	m.LearnPassing("newer")()
	if got := m.Hide("of both"); got != "of both" || len(m.held) > 0 {
		t.Errorf("both are over: got %q, %v", got, m.held)
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
