package protocol

import "time"

// Lambda is the runtime API of AWS Lambda's provided.* runtimes. The first Next
// reports that the runtime is ready. Facts:
// docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (calls, headers),
// runtimes-extensions-api.html, lambda-runtime-environment.html (how it ends),
// configuration-envvars.html (variables), gettingstarted-limits.html; statuses
// as in github.com/aws/aws-lambda-runtime-interface-emulator.
var Lambda = &Platform{
	Name:    "lambda",
	Title:   "AWS Lambda",
	Address: []string{"AWS_LAMBDA_RUNTIME_API"},

	Next:      "/2018-06-01/runtime/invocation/next",
	Response:  "/2018-06-01/runtime/invocation/{id}/response",
	Error:     "/2018-06-01/runtime/invocation/{id}/error",
	InitError: "/2018-06-01/runtime/init/error",
	ErrorType: "Lambda-Runtime-Function-Error-Type",

	Register:      "/2020-01-01/extension/register",
	ExtensionNext: "/2020-01-01/extension/event/next",
	ExtensionFail: []string{"/2020-01-01/extension/init/error", "/2020-01-01/extension/exit/error"},
	ExtensionName: "Lambda-Extension-Name",
	ExtensionID:   "Lambda-Extension-Identifier",

	FinalStatus: true,

	RequestID:    "Lambda-Runtime-Aws-Request-Id",
	InvocationID: "Lambda-Runtime-Invocation-Id",
	Deadline:     "Lambda-Runtime-Deadline-Ms",

	Handler:     "_HANDLER",
	CodeRoot:    "LAMBDA_TASK_ROOT",
	Concurrency: "AWS_LAMBDA_MAX_CONCURRENCY",
	Secrets:     []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_METADATA_TOKEN"},

	Facts: []Fact{
		{Name: "FUNCTION_NAME", Variable: "AWS_LAMBDA_FUNCTION_NAME"},
		{Name: "FUNCTION_VERSION", Variable: "AWS_LAMBDA_FUNCTION_VERSION"},
		{Name: "FUNCTION_MEMORY_MB", Variable: "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"},
		{Name: "FUNCTION_ARN", Header: "Lambda-Runtime-Invoked-Function-Arn"},
		{Name: "FUNCTION_TRACE_ID", Header: "Lambda-Runtime-Trace-Id"},
		{Name: "FUNCTION_CLIENT_CONTEXT", Header: "Lambda-Runtime-Client-Context"},
		{Name: "FUNCTION_COGNITO_IDENTITY", Header: "Lambda-Runtime-Cognito-Identity"},
		{Name: "FUNCTION_TENANT_ID", Header: "Lambda-Runtime-Aws-Tenant-Id"},
		{Name: "_X_AMZN_TRACE_ID", Header: "Lambda-Runtime-Trace-Id"}, // read by AWS's SDKs
	},

	StopLimit: 500 * time.Millisecond, // for an extension within the runtime

	MaxEvent:  6 << 20,
	MaxResult: 6<<20 + 100,

	InitLimit: 10 * time.Second,
	InitType:  "AWS_LAMBDA_INITIALIZATION_TYPE",

	Emulation: Emulation{
		Accepted:     202,
		Repeats:      true,
		AwaitsPoll:   true,
		TooLargeEnds: true,
		RestartsInit: true,
		ResponseMode: "Lambda-Runtime-Function-Response-Mode",
		Ping:         "/2018-06-01/ping",
		Unsupported: map[string]string{
			"/2022-07-01/telemetry": "Telemetry.NotSupported",
			"/2020-08-15/logs":      "Logs.NotSupported",
		},
		EventHeaders: []string{
			"Lambda-Runtime-Aws-Request-Id: ${id}",
			"Lambda-Runtime-Invocation-Id: ${try}",
			"Lambda-Runtime-Deadline-Ms: ${deadline_ms}",
			"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:local:000000000000:function:${name}",
			"Lambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000000;Sampled=0",
			"Content-Type: application/json",
		},
		Environment: []string{
			"AWS_LAMBDA_RUNTIME_API=${host}:${port}",
			"_HANDLER=${handler}",
			"LAMBDA_TASK_ROOT=${dir}",
			"LAMBDA_RUNTIME_DIR=/var/runtime",
			"AWS_REGION=local",
			"AWS_DEFAULT_REGION=local",
			"AWS_LAMBDA_FUNCTION_NAME=${name}",
			"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=${memory_mb}",
			"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
			"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/${name}",
			"AWS_LAMBDA_LOG_STREAM_NAME=local",
			"AWS_ACCESS_KEY_ID=local-access-key-id",
			"AWS_SECRET_ACCESS_KEY=local-secret-access-key",
			"AWS_SESSION_TOKEN=local-session-token",
			"AWS_LAMBDA_METADATA_TOKEN=local-metadata-token",
			"TZ=:UTC",
			"LANG=C.UTF-8", // the platform's is en_US.UTF-8; see SCF
			"PATH=/usr/local/bin:/usr/bin/:/bin:/opt/bin",
			"LD_LIBRARY_PATH=/lib64:/usr/lib64:${dir}:${dir}/lib:/opt/lib",
		},
	},
}
