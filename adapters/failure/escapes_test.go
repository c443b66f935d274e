package failure

import (
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"plain [31m text":               "plain [31m text",
		"\x1b[31mred\x1b[0m":            "red",
		"\x1b[1;38;5;196mred\x1b[m end": "red end",
		"\x1b[?25lhidden\x1b[2K\x1b[1G": "hidden",
		"\x1b]0;a title\x07text":        "text",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link",
		"\x1b(Bcharset\x1b7\x1b8\x1bM":             "charset",
		"cut off \x1b":                             "cut off ",
		"cut off \x1b[3":                           "cut off 3",
		"世\x1b[31m界":                               "世界",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
