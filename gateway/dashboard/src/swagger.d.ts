declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  const SwaggerUI: (options: {
    domNode: HTMLElement | null;
    url: string;
    deepLinking: boolean;
    validatorUrl: null;
    requestInterceptor: <Request extends { headers: Record<string, string> }>(request: Request) => Request;
  }) => void;
  export default SwaggerUI;
}
