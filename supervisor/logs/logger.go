package logs

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"bootstrap/internal/jsontext"

	"github.com/hashicorp/go-hclog"
)

// Logger returns a logger for our own lines of that level and above. It hides
// secrets in each value before it formats the line.
func (l *Log) Logger(level hclog.Level) hclog.Logger {
	nothing := func(hclog.Level, string, ...any) bool { return true }
	logger := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: ownStream, Level: level, Output: io.Discard, Exclude: nothing})
	logger.RegisterSink(&ownLines{l, level, hclog.New(&hclog.LoggerOptions{Name: ownStream, Level: level, Output: ownText{l}})})
	return logger
}

// ownLines is the sink of a logger.
type ownLines struct {
	*Log
	level hclog.Level
	text  hclog.Logger // formats lines unless the style is JSON
}

// Accept logs one line. The args are alternating keys and values.
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

// masked returns a value unchanged, or, if it holds a secret, its text with the
// secret hidden.
func (l *Log) masked(value any) any {
	text := fmt.Sprint(value)
	if masked := l.mask(text); masked != text {
		return masked
	}
	return value
}

// ownText writes the lines that a logger has formatted.
type ownText struct{ *Log }

func (o ownText) Write(line []byte) (int, error) {
	o.backlog.write(line, true, &o.ownBudget)
	return len(line), nil
}

// ownRecord returns one of our own lines as a record that ends with its keys and
// values.
func ownRecord(level hclog.Level, message string, args []any) []byte {
	id := ""
	b := []byte{}
	for i := 0; i+1 < len(args); i += 2 {
		key := fmt.Sprint(args[i])
		if key == "request_id" {
			id = fmt.Sprint(args[i+1])
			continue
		}
		b = append(jsontext.Append(append(b, ','), key), ':')
		b = appendValue(b, args[i+1])
	}
	fields := append(head(time.Now(), level.String(), id, ownStream), field{"message", message})
	return append(append(appendFields([]byte{'{'}, fields), b...), "}\n"...)
}

// appendValue appends numbers, booleans and lists as JSON, and other values as
// text.
func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case error:
		return jsontext.Append(b, v.Error())
	case string, fmt.Stringer:
		return jsontext.Append(b, fmt.Sprint(v))
	}
	text, err := json.Marshal(value)
	if err != nil {
		return jsontext.Append(b, fmt.Sprint(value))
	}
	return append(b, text...)
}
