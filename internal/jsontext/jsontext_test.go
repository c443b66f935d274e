package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
)

// Every character, and every byte that is not one, is read back by package json.
func TestAppend(t *testing.T) {
	texts := []string{"", "plain", `"\/`, "<a>&", "a\u2028b\u2029", "\xff\xfe", "a\xe2\x82", strings.Repeat("é😀", 3)}
	for r := range rune(0x300) {
		texts = append(texts, string(r), string([]byte{byte(r)}))
	}
	for _, text := range texts {
		quoted := Append([]byte("x"), text)
		var got string
		if err := json.Unmarshal(quoted[1:], &got); err != nil || got != perByte(text) {
			t.Errorf("%q: got %s, %v", text, quoted, err)
		}
	}
}

// perByte replaces each invalid byte by U+FFFD.
func perByte(text string) string { return string([]rune(text)) }

// A line stays one line, also for JavaScript, and is readable.
func TestAppendForm(t *testing.T) {
	const text = "<b> \"x\"\n\t\r\x00\u2028é"
	const want = `"<b> \"x\"\n\t\r\u0000\u2028é"`
	if got := string(Append(nil, text)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("a\"\\\n\x00\xff\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		var got string
		if err := json.Unmarshal(Append(nil, text), &got); err != nil || got != perByte(text) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	})
}
