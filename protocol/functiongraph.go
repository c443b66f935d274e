package protocol

import "time"

// FunctionGraph is the custom runtime of Huawei Cloud's FunctionGraph. It has no
// call for readiness and none for a failed initialisation. A poll may return without
// an event. Credentials of the function's agency arrive with each event. Facts:
// support.huaweicloud.com/intl/en-us/usermanual-functiongraph/functiongraph_01_0406.html
// (calls, headers, variables), functiongraph_01_0150.html (limits).
var FunctionGraph = &Platform{
	Name:    "functiongraph",
	Title:   "Huawei FunctionGraph",
	Address: []string{"RUNTIME_API_ADDR"},

	Next:     "/v1/runtime/invocation/request",
	Response: "/v1/runtime/invocation/response/{id}",
	Error:    "/v1/runtime/invocation/error/{id}",

	RequestID: "X-Cff-Request-Id",

	Timeout:  "RUNTIME_TIMEOUT",
	Handler:  "RUNTIME_HANDLER",
	CodeRoot: "RUNTIME_CODE_ROOT",

	Facts: []Fact{
		{Name: "FUNCTION_NAME", Variable: "RUNTIME_FUNC_NAME"},
		{Name: "FUNCTION_VERSION", Variable: "RUNTIME_FUNC_VERSION"},
		{Name: "FUNCTION_MEMORY_MB", Variable: "RUNTIME_MEMORY"},
		{Name: "FUNCTION_INVOKE_TYPE", Header: "X-Cff-Invoke-Type"},
		{Name: "FUNCTION_ALIAS", Variable: "RUNTIME_ALIAS"},
		{Name: "FUNCTION_WORKFLOW_ID", Header: "X-Cff-Workflow-Id"},
		{Name: "FUNCTION_WORKFLOW_RUN_ID", Header: "X-Cff-Workflow-Run-Id"},
		{Name: "FUNCTION_WORKFLOW_STATE_ID", Header: "X-Cff-Workflow-State-Id"},
	},
	Credentials: []Fact{
		{Name: "FUNCTION_ACCESS_KEY", Header: "X-Cff-Access-Key"},
		{Name: "FUNCTION_SECRET_KEY", Header: "X-Cff-Secret-Key"},
		{Name: "FUNCTION_SECURITY_ACCESS_KEY", Header: "X-Cff-Security-Access-Key"},
		{Name: "FUNCTION_SECURITY_SECRET_KEY", Header: "X-Cff-Security-Secret-Key"},
		{Name: "FUNCTION_SECURITY_TOKEN", Header: "X-Cff-Security-Token"},
		{Name: "FUNCTION_AUTH_TOKEN", Header: "X-Cff-Auth-Token"},
	},

	MaxEvent:  6 << 20,
	MaxResult: 6 << 20,

	InitLimit: 60 * time.Second, // not documented

	Emulation: Emulation{
		Accepted: 200,
		Repeats:  true, // not documented
		EventHeaders: []string{
			"X-Cff-Request-Id: ${id}",
			"X-Cff-Invoke-Type: sync",
		},
		Environment: []string{
			"RUNTIME_API_ADDR=${host}:${port}",
			"RUNTIME_HANDLER=${handler}",
			"RUNTIME_CODE_ROOT=${dir}",
			"RUNTIME_FUNC_NAME=${name}",
			"RUNTIME_FUNC_VERSION=latest",
			"RUNTIME_PACKAGE=default",
			"RUNTIME_PROJECT_ID=local",
			"RUNTIME_TIMEOUT=${timeout_s}",
			"RUNTIME_MEMORY=${memory_mb}",
			"RUNTIME_CPU=1000",
			"RUNTIME_USERDATA=${user_data}",
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", // not documented
		},
	},
}
