package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// values describes where an event or an answer has its headers or its query, in which
// a name may have several values.
type values struct {
	single string // the key of an object with one text for each name
	lists  string // the key of an object with a list for each name
	raw    string // the key of the whole query, as the client sent it

	repeated repeated // what single has for a name with several values
	joint    string   // between values that are joined

	escaped bool // the query is not decoded
	lower   bool // the names of headers are in lower case
}

// A repeated says what an object with one text for each name has for a name with
// several values.
type repeated int

const (
	last   repeated = iota // the last value
	joined                 // all of them in one text
	listed                 // a list in place of the text
)

// write puts all values into an object. None replaces an object that would be empty;
// if it is nil, the key is left out.
func (v *values) write(o object, all map[string][]string, none json.RawMessage) {
	single, lists := map[string]any{}, map[string]any{}
	for name, list := range all {
		if len(list) > 0 {
			single[name], lists[name] = v.one(name, list), list
		}
	}
	for key, value := range map[string]any{v.single: single, v.lists: lists} {
		switch {
		case key == "":
		case len(single) > 0:
			o.set(key, value)
		case none != nil:
			o.set(key, none)
		}
	}
}

// one returns the value of a name in an object that has one for each. Cookies that a
// response sets cannot be joined, as their dates have commas.
func (v *values) one(name string, list []string) any {
	switch {
	case len(list) == 1 || v.repeated == last || v.repeated == joined && strings.EqualFold(name, "Set-Cookie"):
		return list[len(list)-1]
	case v.repeated == joined:
		return strings.Join(list, v.joint)
	}
	return list
}

// read returns the values in an object, under the names as they are, or in the form
// that a function gives them. A name and its value that are in both objects count once.
func (v *values) read(o object, form func(name string) string) (map[string][]string, error) {
	all := map[string][]string{}
	for _, key := range []string{v.lists, v.single} {
		if key == "" || o.get(key) == nil {
			continue
		}
		fields, ok := o.get(key).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: %w", key, errNotObject)
		}
		if err := merge(all, fields, form); err != nil {
			return nil, fmt.Errorf("%s.%w", key, err)
		}
	}
	return all, nil
}

// merge adds the values that are not there yet.
func merge(all map[string][]string, fields map[string]any, form func(string) string) error {
	before := maps.Clone(all)
	for _, key := range sorted(fields) {
		list, err := texts(fields[key])
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		name := form(key)
		for _, value := range list {
			if !slices.Contains(before[name], value) {
				all[name] = append(all[name], value)
			}
		}
	}
	return nil
}

// asIs is a form of names for read.
func asIs(name string) string { return name }

// texts returns a text, or those of a list. Nothing is an empty list.
func texts(v any) (list []string, err error) {
	elements, ok := v.([]any)
	if !ok && v != nil {
		elements = []any{v}
	}
	for _, element := range elements {
		text, ok := scalar(element)
		if !ok {
			return nil, errors.New("expected a string or a list of strings")
		}
		list = append(list, text)
	}
	return list, nil
}
