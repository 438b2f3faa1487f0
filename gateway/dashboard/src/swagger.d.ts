declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  const SwaggerUI: (options: {
    domNode: HTMLElement | null;
    url: string;
    deepLinking: boolean;
    validatorUrl: null;
  }) => void;
  export default SwaggerUI;
}
