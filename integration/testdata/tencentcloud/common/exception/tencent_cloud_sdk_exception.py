class TencentCloudSDKException(Exception):
    def __init__(self, code=None, message=None):
        super().__init__(code, message)
        self.code, self.message = code, message
