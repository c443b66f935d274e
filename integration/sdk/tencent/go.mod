module sdktencent

go 1.26.0

require (
	bootstrap v0.0.0
	github.com/tencentcloud/tencentcloud-sdk-go v1.0.162
)

replace bootstrap => ../../..
