// What the environment says, with defaults that suit a developer's machine. Read once, at start.
'use strict';

// A port number, or an error that names the variable.
function port(text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65535) throw new Error(`PORT is not a port number: ${text}`);
  return number;
}

function load(env) {
  return {
    port: port(env.PORT || '8080'),
    version: env.APP_VERSION || 'dev',
    environment: env.ENVIRONMENT || 'development',
    accessLog: env.ACCESS_LOG || '/var/log/web/access.log',
    // The variable that the AWS SDKs read for the same purpose.
    metadataEndpoint: env.AWS_EC2_METADATA_SERVICE_ENDPOINT || 'http://169.254.169.254',
  };
}

module.exports = { load };
