package huawei

import (
	"net/http"
	"strconv"
	"strings"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// maxFunctions is how many functions a page has at most, and by default
// (support.huaweicloud.com/api-functiongraph/functiongraph_06_0105.html).
const maxFunctions = 400

// list answers with a page of the functions.
func (a *api) list(w http.ResponseWriter, r *http.Request) error {
	marker, size, err := pageOf(r, "maxitems", maxFunctions, maxFunctions)
	if err != nil {
		return err
	}
	all := []function{}
	if pack := r.FormValue("package_name"); pack == "" || pack == defaultPackage {
		for _, f := range a.cloud.Functions(protocol.FunctionGraph) {
			if strings.Contains(f.Name(), r.FormValue("func_name")) {
				all = append(all, functionOf(r, f.Describe()))
			}
		}
	}
	page, next := cut(all, marker, size)
	return answer(w, http.StatusOK, map[string]any{"functions": page, "next_marker": next, "count": len(all)})
}

// pageOf returns which page of a list a request asks for: its first item, and how many.
func pageOf(r *http.Request, sizeName string, standard, maximum int) (marker, size int, err error) {
	if marker, err = number(r, "marker"); err != nil {
		return 0, 0, err
	}
	if size, err = number(r, sizeName); err != nil {
		return 0, 0, err
	}
	if size == 0 {
		size = standard
	}
	return marker, min(size, maximum), nil
}

// number returns a number in the query, or 0.
func number(r *http.Request, name string) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, errQuery.because("%s=%q: expected a number of at least 0.", name, text)
	}
	return n, nil
}

// cut returns a page of a list, and where the next page begins.
func cut[T any](all []T, marker, size int) (page []T, next int) {
	marker = min(marker, len(all))
	next = min(marker+size, len(all))
	return all[marker:next], next
}

// listVersions answers with the only version of a function.
func (a *api) listVersions(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	return answer(w, http.StatusOK, map[string]any{
		"versions": []function{functionOf(r, f.Describe())}, "next_marker": 1, "count": 1,
	})
}

// listReserved answers that no function has reserved instances. Terraform asks after it
// has created a function.
func (a *api) listReserved(w http.ResponseWriter, _ *http.Request) error {
	return answer(w, http.StatusOK, map[string]any{
		"reserved_instances": []any{}, "count": 0,
		"page_info": map[string]int{"next_marker": 0, "previous_marker": 0, "current_count": 0},
	})
}

// describeLog answers that the function does not log to LTS.
func (a *api) describeLog(w http.ResponseWriter, _ *http.Request, _ *local.Function) error {
	return answer(w, http.StatusOK, map[string]string{"group_name": "", "group_id": "", "stream_id": "", "stream_name": ""})
}

// listTags answers that a function has no tags.
func (a *api) listTags(w http.ResponseWriter, _ *http.Request, _ *local.Function) error {
	return answer(w, http.StatusOK, map[string]any{"tags": []any{}, "sys_tags": []any{}})
}
