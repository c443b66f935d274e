package adapters

import (
	"strings"
	"testing"

	"bootstrap/protocol"
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

// No failure has a terminal escape, wherever it comes from.
func TestFailuresWithoutEscapes(t *testing.T) {
	const red, end = `\033[31m`, `\033[0m`
	program := config(t, files{"tool": "#!/bin/sh\nprintf '" + red + "Error: x" + end + "\n' >&2; exit 3"})
	program.Handler = "tool"
	stated := config(t, files{"tool": `#!/bin/sh` + "\n" + `echo '{"errorType":"Function.X","errorMessage":"\u001b[31mError: x\u001b[0m","stackTrace":["\u001b[1mat y"]}' >&2; exit 3`})
	stated.Handler = "tool"
	inPython, _ := python(t, "def main_handler(event, context): raise ValueError('\\x1b[31mError: x\\x1b[0m')")
	inNode, _ := node(t, "exports.main_handler = async () => { throw new Error('\\x1b[31mError: x\\x1b[0m'); }")
	for name, c := range map[string]setup{
		"a program":  program,
		"it says so": stated,
		"a shell":    script(t, "main() { printf '"+red+"Error: x"+end+"\\n' >&2; false; }"),
		"Python":     inPython,
		"Node":       inNode,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := start(t, c).Invoke(t.Context(), newEvent(""))
			f, ok := err.(*protocol.Failure)
			if !ok {
				t.Fatalf("got %v, want a failure", err)
			}
			if all := f.Message + strings.Join(f.Stack, "\n"); strings.Contains(all, "\x1b") || !strings.Contains(f.Message, "Error: x") {
				t.Errorf("got %q, %q", f.Message, f.Stack)
			}
		})
	}
	c, _ := python(t, "raise ValueError('\\x1b[31mno\\x1b[0m luck')")
	if err := c.adapter().Start(t.Context()); err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("got %q", err)
	}
}
