package protocol

import "time"

// SCF is the custom runtime of Tencent Cloud's Serverless Cloud Function.
// Facts: cloud.tencent.com/document/product/583/47274 (calls), /47610
// (headers), /30228 (variables), /11637 (limits).
var SCF = &Platform{
	Name:    "scf",
	Title:   "Tencent SCF",
	Address: []string{"SCF_RUNTIME_API", "SCF_RUNTIME_API_PORT"},

	Ready:     "/runtime/init/ready",
	Next:      "/runtime/invocation/next",
	Response:  "/runtime/invocation/response",
	Error:     "/runtime/invocation/error",
	ReadyBody: " ", // an empty body is said to be rejected; the vendor's samples post one space

	RequestID: "Request_Id", // underscores, in either case
	TimeLimit: "Time_Limit_In_Ms",

	Handler:  "_HANDLER",
	CodeRoot: "USER_CODE_ROOT",
	Secrets:  []string{"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN"},

	Facts: []Fact{
		{Name: "FUNCTION_NAME", Variable: "SCF_FUNCTIONNAME"},
		{Name: "FUNCTION_VERSION", Variable: "SCF_FUNCTIONVERSION"},
		{Name: "FUNCTION_MEMORY_MB", Header: "Memory_Limit_In_Mb"},
	},

	MaxEvent:  6 << 20,
	MaxResult: 6 << 20,

	InitLimit: 65 * time.Second,

	Emulation: Emulation{
		Accepted: 200,
		Repeats:  true,
		EventHeaders: []string{
			"Request_Id: ${id}",
			"Memory_Limit_In_Mb: ${memory_mb}",
			"Time_Limit_In_Ms: ${timeout_ms}",
		},
		Environment: []string{
			"SCF_RUNTIME_API=${host}",
			"SCF_RUNTIME_API_PORT=${port}",
			"_HANDLER=${handler}",
			"USER_CODE_ROOT=${dir}",
			"SCF_FUNCTIONNAME=${name}",
			"SCF_FUNCTIONVERSION=$LATEST",
			"SCF_NAMESPACE=default",
			"TENCENTCLOUD_REGION=local",
			"TENCENTCLOUD_APPID=0",
			"TENCENTCLOUD_UIN=0",
			"TENCENTCLOUD_RUNENV=SCF",
			"TENCENTCLOUD_SECRETID=local-secret-id",
			"TENCENTCLOUD_SECRETKEY=local-secret-key",
			"TENCENTCLOUD_SESSIONTOKEN=local-session-token",
			"_SCF_SERVER_PORT=28902",
			"PYTHONDONTWRITEBYTECODE=x",
			"PYTHONPATH=${dir}:/opt",
			"PWD=${dir}",
			"LOGNAME=qcloud",
			"USER=qcloud",
			"HOME=/home/qcloud",
			"SHELL=/bin/bash",
			"SHLVL=3",
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"LD_LIBRARY_PATH=/var/runtime/java8:${dir}:/opt",
			// The platform sets en_US.UTF8, which few laptops have. bash would
			// print a warning at each start.
			"LANG=C.UTF-8",
			"LC_ALL=C.UTF-8",
		},
	},
}
