package logs

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Logger returns a logger for our own lines from that level on. Secrets are
// hidden in each value before the line is put together.
func (l *Log) Logger(level hclog.Level) hclog.Logger {
	nothing := func(hclog.Level, string, ...any) bool { return true }
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: ownStream, Level: level, Output: io.Discard, Exclude: nothing})
	logger.RegisterSink(&ownLines{l, level, hclog.New(&hclog.LoggerOptions{Name: ownStream, Level: level, Output: ownText{l}})})
	return logger
}

// ownLines takes the calls of a logger.
type ownLines struct {
	*Log
	level hclog.Level
	text  hclog.Logger // formats lines where the style is not JSON
}

// Accept logs one line. The args are pairs of a key and a value.
func (o *ownLines) Accept(_ string, level hclog.Level, message string, args ...any) {
	if level < o.level {
		return
	}
	for i := 1; i < len(args); i += 2 {
		args[i] = o.masked(args[i])
	}
	message = o.mask(message)
	if o.style.JSON {
		o.backlog.write(ownRecord(level, message, args), true, &o.ownBudget)
	} else {
		o.text.Log(level, message, args...)
	}
}

func (l *Log) mask(text string) string {
	if l.style.Mask == nil {
		return text
	}
	return l.style.Mask(text)
}

// masked returns a value as it is, or, where it holds a secret, its text without
// that.
func (l *Log) masked(value any) any {
	text := fmt.Sprint(value)
	if masked := l.mask(text); masked != text {
		return masked
	}
	return value
}

// ownText writes the lines of a logger.
type ownText struct{ *Log }

func (o ownText) Write(line []byte) (int, error) {
	o.backlog.write(line, true, &o.ownBudget)
	return len(line), nil
}

// ownRecord returns one of our own lines as a record, with its pairs last.
func ownRecord(level hclog.Level, message string, args []any) []byte {
	id := ""
	b := []byte{}
	for i := 0; i+1 < len(args); i += 2 {
		key := fmt.Sprint(args[i])
		if key == "request_id" {
			id = fmt.Sprint(args[i+1])
			continue
		}
		b = append(appendText(append(b, ','), key), ':')
		b = appendValue(b, args[i+1])
	}
	fields := append(head(time.Now(), level.String(), id, ownStream), field{"message", message})
	return append(append(appendFields([]byte{'{'}, fields), b...), "}\n"...)
}

// appendValue adds numbers, booleans and lists as they are in JSON, and all else
// as text.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case error:
		return appendText(b, v.Error())
	case string, fmt.Stringer:
		return appendText(b, fmt.Sprint(v))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return appendText(b, fmt.Sprint(value))
	}
	return append(b, text...)
}
