package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
)

// An object is a JSON object. Numbers in it are json.Number.
type object map[string]any

var errNotObject = errors.New("expected a JSON object")

// parseObject reads a JSON object. Its error is errNotObject for any other JSON.
func parseObject(text []byte) (object, error) {
	v, err := parse(text)
	if err != nil {
		return nil, err
	}
	fields, ok := v.(map[string]any)
	if !ok {
		return nil, errNotObject
	}
	return fields, nil
}

// parse reads one JSON value, and keeps the digits of numbers.
func parse(text []byte) (v any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("invalid data after the first JSON value")
	}
	return v, nil
}

// get returns the value at a path such as "requestContext.stage", or nil. An empty path
// has no value.
func (o object) get(path string) any {
	if path == "" {
		return nil
	}
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return o[name]
	}
	inner, _ := o[name].(map[string]any)
	return object(inner).get(rest)
}

// set writes a value at a path, and makes the objects on the way.
func (o object) set(path string, value any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		o[name] = value
		return
	}
	inner, ok := o[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		o[name] = inner
	}
	object(inner).set(rest, value)
}

// setAll writes a value at each of the paths.
func (o object) setAll(paths []string, value any) {
	for _, path := range paths {
		o.set(path, value)
	}
}

// text returns the text at the first of the paths that has one.
func (o object) text(paths []string) string {
	for _, path := range paths {
		if text, ok := scalar(o.get(path)); ok {
			return text
		}
	}
	return ""
}

// json returns the object as JSON on one line.
func (o object) json() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// scalar returns the text of a string, a number or a boolean.
func scalar(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
