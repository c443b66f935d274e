package huawei

import "net/http"

// The paths of the two calls of IAM by which SDKs find the ID of a project and of an
// account (support.huaweicloud.com/api-iam/iam_06_0001.html, iam_07_0001.html).
const (
	projectsPath = "/v3/projects"
	domainsPath  = "/v3/auth/domains"
)

// The IDs of the only project and account. Calls accept any project.
const (
	project = "00000000000000000000000000000000"
	domain  = "00000000000000000000000000000001"
)

// listProjects returns the project of a region, which is any name.
func (a *api) listProjects(w http.ResponseWriter, r *http.Request) error {
	type entry struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		DomainID    string `json:"domain_id"`
		ParentID    string `json:"parent_id"`
		IsDomain    bool   `json:"is_domain"`
		Enabled     bool   `json:"enabled"`
		Description string `json:"description"`
	}
	name := r.FormValue("name")
	if name == "" {
		name = region
	}
	return answer(w, http.StatusOK, map[string]any{
		"projects": []entry{{ID: project, Name: name, DomainID: domain, ParentID: domain, Enabled: true}},
		"links":    struct{}{},
	})
}

// listDomains returns the account.
func (a *api) listDomains(w http.ResponseWriter, _ *http.Request) error {
	type entry struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Enabled bool   `json:"enabled"`
	}
	return answer(w, http.StatusOK, map[string]any{
		"domains": []entry{{ID: domain, Name: "local", Enabled: true}},
		"links":   struct{}{},
	})
}
