/** The interfaces, as documents: what HTTP takes and answers, and what goes over queues, topics and the socket. */

import { useEffect, useRef } from "react";
import { useSearchParams } from "wouter";
import "swagger-ui-dist/swagger-ui.css";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import { authorization } from "../api/bearer";
import { current } from "../api/token";
import { Choice } from "../parts/Choice";
import { Messages } from "../parts/Messages";

const KINDS = ["HTTP", "Messages"] as const;
type Kind = (typeof KINDS)[number];

export default function Docs() {
  const [parameters, setParameters] = useSearchParams();
  const kind: Kind = parameters.get("of") === "Messages" ? "Messages" : "HTTP";
  return (
    <>
      <div className="head">
        <div>
          <h1>API</h1>
          <p>
            As files: <a href="/openapi.json">OpenAPI</a> and <a href="/asyncapi.json">AsyncAPI</a>.
          </p>
        </div>
        <Choice label="Which" value={kind} options={KINDS} onChange={(of) => setParameters({ of })} />
      </div>
      {kind === "HTTP" ? <Http /> : <Messages />}
    </>
  );
}

function Http() {
  const here = useRef<HTMLDivElement>(null);
  useEffect(() => {
    SwaggerUI({
      domNode: here.current,
      url: "/openapi.json",
      deepLinking: false,
      validatorUrl: null,
      requestInterceptor: (request) => {
        Object.assign(request.headers, authorization(current().token));
        return request;
      },
    });
  }, []);
  return <div className="card swagger" ref={here} />;
}
