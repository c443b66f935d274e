package adapters

import (
	"bytes"
	"unicode/utf8"

	"bootstrap/adapters/failure"
	"bootstrap/protocol"
)

// maxLogged is how many bytes at the end of a failed command's stdout are logged.
const maxLogged = 64 << 10

// explainByStdout adds the last useful line of stdout to the message of a failed
// command that wrote nothing useful to stderr.
func (fn *function) explainByStdout(f *protocol.Failure, stdout []byte) {
	if text := endOf(stdout, tailSize); !fn.settings.ResultFD3 && utf8.Valid(text) {
		failure.AddOutput(f, fn.services.Mask.HidePart(string(text)))
	}
}

// logStdout logs the end of a failed command's stdout, as it is not a result.
func (fn *function) logStdout(stdout []byte) {
	text := endOf(stdout, maxLogged)
	if fn.settings.ResultFD3 || len(text) == 0 || !utf8.Valid(text) {
		return
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text[:len(text):len(text)], '\n')
	}
	_, _ = fn.services.Stdout.Write(text) // a log that cannot be written does not fail an event
}

// endOf returns the last n bytes of a text, from the beginning of a line if it cuts.
func endOf(text []byte, n int) []byte {
	if len(text) <= n {
		return text
	}
	text = text[len(text)-n:]
	return text[bytes.IndexByte(text, '\n')+1:]
}
