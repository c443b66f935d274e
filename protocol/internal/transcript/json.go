package transcript

import (
	"encoding/json"
	"reflect"
)

// sameJSON: both are JSON objects, and mean the same.
func sameJSON(a, b string) bool {
	var x, y map[string]any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}
