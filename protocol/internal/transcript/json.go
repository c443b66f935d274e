package transcript

import (
	"encoding/json"
	"reflect"
)

// sameJSON reports whether both are JSON objects with the same meaning.
func sameJSON(a, b string) bool {
	var x, y map[string]any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
