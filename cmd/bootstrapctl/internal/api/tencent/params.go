package tencent

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// decode reads the parameters of a call: the JSON of its body, or those in the query of a
// GET request. As in the cloud, parameters that the action does not have are an error.
func decode[P any](c *call, p *P) error {
	body := c.body
	if c.Method == http.MethodGet {
		var err error
		if body, err = fromQuery(c.URL.RawQuery, reflect.TypeFor[P]()); err != nil {
			return err
		}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := checkNames(body, reflect.TypeFor[P]()); err != nil {
		return err
	}
	return invalid(json.Unmarshal(body, p))
}

// checkNames checks that a type has a field for each parameter.
func checkNames(body []byte, t reflect.Type) error {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(body, &named); err != nil {
		return invalid(err)
	}
	for name := range named {
		if field, ok := t.FieldByName(name); !ok || field.Anonymous {
			return fail("UnknownParameter", "The parameter `%s` is not recognized.", short(name))
		}
	}
	return nil
}

// invalid returns the API's error for one in the JSON of a request.
func invalid(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fail("InvalidParameter", "the parameter `%s` is a %s: expected a value of type %s", wrong.Field, wrong.Value, kindOf(wrong.Type))
	}
	if err != nil {
		return fail("InvalidParameter", "the request is not a JSON object: %v", err)
	}
	return nil
}

// kindOf names a type as people who write JSON do.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int64:
		return "integer"
	case reflect.Slice:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	}
	return t.Kind().String()
}

// maxDepth is how many names the name of a parameter in a query may have.
const maxDepth = 6

// fromQuery returns the parameters of a query as JSON. A name such as
// Environment.Variables.0.Key is the path to a value. A value is a number where the type
// has one.
func fromQuery(query string, t reflect.Type) ([]byte, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fail("InvalidParameter", "cannot read the query: %v", err)
	}
	top := map[string]any{}
	for name, value := range values {
		if err := put(top, strings.Split(name, "."), typed(name, value[0], t)); err != nil {
			return nil, fail("InvalidParameter", "the parameter `%s` %v", short(name), err)
		}
	}
	return json.Marshal(withLists(top))
}

// typed returns the value of a parameter in a query: an integer, if the field has one.
func typed(name, value string, t reflect.Type) any {
	field, ok := t.FieldByName(name)
	if !ok || field.Type != reflect.TypeFor[*int64]() {
		return value
	}
	if number, err := strconv.ParseInt(value, 10, 64); err == nil {
		return number
	}
	return value // decoding complains about its type
}

// put adds a value at a path to nested objects.
func put(object map[string]any, path []string, value any) error {
	if len(path) > maxDepth {
		return errors.New("is nested too deeply")
	}
	for ; len(path) > 1; path = path[1:] {
		if object[path[0]] == nil {
			object[path[0]] = map[string]any{}
		}
		inner, ok := object[path[0]].(map[string]any)
		if !ok {
			return errors.New("is a member of a parameter that has a value")
		}
		object = inner
	}
	if object[path[0]] != nil {
		return errors.New("has both a value and members")
	}
	object[path[0]] = value
	return nil
}

// withLists returns nested objects with lists in place of those whose names are 0, 1, 2
// and so on.
func withLists(value any) any {
	object, ok := value.(map[string]any)
	if !ok {
		return value
	}
	list := make([]any, 0, len(object))
	for name := range object {
		object[name] = withLists(object[name])
	}
	for i := range len(object) {
		element, ok := object[strconv.Itoa(i)]
		if !ok {
			return object
		}
		list = append(list, element)
	}
	if len(list) == 0 {
		return object
	}
	return list
}
