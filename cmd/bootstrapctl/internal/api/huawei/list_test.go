package huawei

import (
	"fmt"
	"slices"
	"testing"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// The list has pages, and is filtered by name and by package.
func TestList(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	for i := range 4 {
		s := local.Settings{Name: fmt.Sprint("other", i), Platform: protocol.FunctionGraph}
		if _, err := a.cloud.Create(s, local.Code{Path: t.TempDir()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		query       string
		names       []string
		next, count int
	}{
		{"", []string{"hello", "other0", "other1", "other2", "other3"}, 5, 5},
		{"maxitems=0&package_name=default", []string{"hello", "other0", "other1", "other2", "other3"}, 5, 5},
		{"maxitems=2", []string{"hello", "other0"}, 2, 5},
		{"maxitems=2&marker=4", []string{"other3"}, 5, 5},
		{"marker=100&maxitems=1000", nil, 5, 5},
		{"func_name=other&maxitems=1&marker=1", []string{"other1"}, 2, 4},
		{"func_name=hello", []string{"hello"}, 1, 1},
		{"package_name=none", nil, 0, 0},
	} {
		var got struct {
			Functions []function
			Next      int `json:"next_marker"`
			Count     int
		}
		a.get(t, 200, &got, "GET", functionsPath+"?"+test.query, "")
		var names []string
		for _, f := range got.Functions {
			names = append(names, f.Name)
		}
		if !slices.Equal(names, test.names) || got.Next != test.next || got.Count != test.count || got.Functions == nil {
			t.Errorf("%s: got %q, next %d, count %d", test.query, names, got.Next, got.Count)
		}
	}
	for _, query := range []string{"marker=a", "maxitems=a", "maxitems=-1"} {
		a.refused(t, errQuery, "expected", "GET", functionsPath+"?"+query, "")
	}
}

// These are the calls that Terraform makes after it has created a function.
func TestReadAfterCreate(t *testing.T) {
	a, _ := newAPI(t, local.Options{})
	for path, want := range map[string]string{
		functionsPath + "/reservedinstanceconfigs?function_urn=urn:fss:r:p:function:default:hello": `{"count":0,"page_info":{"current_count":0,"next_marker":0,"previous_marker":0},"reserved_instances":[]}`,
		helloPath + "/lts-log-detail":                             `{"group_id":"","group_name":"","stream_id":"","stream_name":""}`,
		"/v2/p/functions/urn:fss:r:p:function:default:hello/tags": `{"sys_tags":[],"tags":[]}`,
	} {
		if r := a.call(t, "GET", path, ""); r.StatusCode != 200 || bodyOf(t, r) != want+"\n" {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
	var versions struct {
		Versions []function
		Count    int
	}
	if a.get(t, 200, &versions, "GET", helloPath+"/versions", ""); versions.Count != 1 || versions.Versions[0].Version != "latest" {
		t.Errorf("got %+v", versions)
	}
}
