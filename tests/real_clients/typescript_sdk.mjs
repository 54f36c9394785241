// Signs in with the TypeScript SDK: prints where the operator must go, and reads the
// code that the answer brought. Ends with how many tools it was shown.
//
//     node typescript_sdk.mjs URL
import { createInterface } from "node:readline/promises";

import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const url = new URL(process.argv[2]);
const kept = {};

const provider = {
  redirectUrl: "http://127.0.0.1:3030/callback",
  clientMetadata: {
    client_name: "TypeScript SDK",
    redirect_uris: ["http://127.0.0.1:3030/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => void (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  redirectToAuthorization: (address) => console.log(address.href),
};

async function connected() {
  const client = new Client({ name: "typescript-sdk", version: "1" });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const lines = createInterface({ input: process.stdin });
    await transport.finishAuth(await lines.question(""));
    lines.close();
    return connected();
  }
  return client;
}

const client = await connected();
const { tools } = await client.listTools();
console.log(`${tools.length} tools`);
await client.close();
