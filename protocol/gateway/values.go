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

// A repeated says how an object with one text for each name represents several
// values of a name.
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

// one returns the value of a name for an object that has one value for each name.
// Cookies that a response sets cannot be joined, because their dates contain commas.
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
	single := oneText
	if v.repeated == listed {
		single = textOrList
	}
	if err := merge(all, o, v.lists, onlyList, form); err != nil {
		return nil, err
	}
	return all, merge(all, o, v.single, single, form)
}

// merge adds the values that are not there yet.
func merge(all map[string][]string, o object, key string, read reader, form func(string) string) error {
	fields, ok := o.get(key).(map[string]any)
	if !ok && o.get(key) != nil {
		return fmt.Errorf("%s: %w", key, errNotObject)
	}
	before := maps.Clone(all)
	for _, name := range sorted(fields) {
		list, err := read(fields[name])
		if err != nil {
			return fmt.Errorf("%s.%s: %w", key, name, err)
		}
		name = form(name)
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

// A reader returns the texts in a value. Null holds no text.
type reader func(any) ([]string, error)

func oneText(v any) ([]string, error) {
	text, ok := scalar(v)
	switch {
	case v == nil:
		return nil, nil
	case !ok:
		return nil, errors.New("expected a string")
	}
	return []string{text}, nil
}

func onlyList(v any) (list []string, err error) {
	elements, ok := v.([]any)
	if !ok && v != nil {
		return nil, errors.New("expected a list of strings")
	}
	for _, element := range elements {
		text, ok := scalar(element)
		if !ok {
			return nil, errors.New("expected a list of strings")
		}
		list = append(list, text)
	}
	return list, nil
}

func textOrList(v any) ([]string, error) {
	if _, ok := v.([]any); ok {
		return onlyList(v)
	}
	return oneText(v)
}
