package huawei

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"bootstrap/cmd/bootstrapctl/internal/local"
	"bootstrap/protocol"
)

// A function is a function as the API describes it. The SDKs are strict about the types.
type function struct {
	URN                 string   `json:"func_urn"`
	Name                string   `json:"func_name"`
	DomainID            string   `json:"domain_id"`
	Namespace           string   `json:"namespace"`
	ProjectName         string   `json:"project_name"`
	Package             string   `json:"package"`
	Runtime             string   `json:"runtime"`
	Timeout             int      `json:"timeout"`
	Handler             string   `json:"handler"`
	MemorySize          int      `json:"memory_size"`
	CPU                 int      `json:"cpu"`
	CodeType            string   `json:"code_type"`
	CodeURL             string   `json:"code_url"`
	CodeFilename        string   `json:"code_filename"`
	CodeSize            int64    `json:"code_size"`
	UserData            string   `json:"user_data"`
	EncryptedUserData   string   `json:"encrypted_user_data"`
	Digest              string   `json:"digest"`
	Version             string   `json:"version"`
	ImageName           string   `json:"image_name"`
	Xrole               string   `json:"xrole"`
	Description         string   `json:"description"`
	LastModified        string   `json:"last_modified"`
	FuncCode            funcCode `json:"func_code"`
	Strategy            strategy `json:"strategy_config"`
	InitializerHandler  string   `json:"initializer_handler"`
	InitializerTimeout  int      `json:"initializer_timeout"`
	EnterpriseProjectID string   `json:"enterprise_project_id"`
	Type                string   `json:"type"`
	DependVersions      []string `json:"depend_version_list"`
}

// A funcCode is the code of a function.
type funcCode struct {
	File string `json:"file"` // in base64
	Link string `json:"link"`
}

// A strategy limits the instances of a function.
type strategy struct {
	Concurrency   int `json:"concurrency"` // instances at most; -1: any number
	ConcurrentNum int `json:"concurrent_num"`
}

// describe answers with the function.
func (a *api) describe(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	return answer(w, http.StatusOK, functionOf(r, f.Describe()))
}

// describeCode answers with the function and its zip.
func (a *api) describeCode(w http.ResponseWriter, r *http.Request, f *local.Function) error {
	d := f.Describe()
	described := functionOf(r, d)
	described.FuncCode.File = base64.StdEncoding.EncodeToString(d.Zip)
	return answer(w, http.StatusOK, described)
}

// functionOf describes a function to the sender of a request.
func functionOf(r *http.Request, d local.Description) function {
	project := r.PathValue("project")
	return function{
		URN: urnOf(project, d.Name), Name: d.Name, DomainID: domain, Namespace: project, ProjectName: region,
		Package: defaultPackage, Runtime: customRuntime, Timeout: seconds(d.Timeout), Handler: d.Handler,
		MemorySize: d.MemoryMB, CPU: cpuOf(d.MemoryMB), CodeType: "zip", CodeFilename: d.Name + ".zip", CodeSize: d.Size,
		UserData: userDataOf(d.Env), Digest: hex.EncodeToString(d.SHA256[:]), Version: latest, Description: d.Description,
		LastModified: d.Modified.Format(time.RFC3339), Strategy: strategyOf(d.Instances),
		InitializerTimeout: seconds(d.InitTimeout), EnterpriseProjectID: "0", Type: "v2", DependVersions: []string{},
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// cpuOf returns the thousandths of a CPU that come with an amount of memory: 300 for
// 128 MB in the vendor's samples, and the others by guess.
func cpuOf(memoryMB int) int { return 200 + memoryMB*100/128 }

func strategyOf(instances int) strategy {
	if instances == 0 {
		instances = -1
	}
	return strategy{Concurrency: instances, ConcurrentNum: 1}
}

// userDataOf returns the variables of a function as JSON.
func userDataOf(env []string) string {
	if len(env) == 0 {
		return ""
	}
	all := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	text, _ := json.Marshal(all) // strings: never fails
	return string(text)
}

// delete removes a function.
func (a *api) delete(w http.ResponseWriter, r *http.Request) error {
	name, err := nameIn(r.PathValue("urn"))
	if err != nil {
		return err
	}
	if err := a.cloud.Delete(protocol.FunctionGraph, name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
