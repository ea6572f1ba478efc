// The description is beside this file, wherever a proxy has put both.
const description = new URL("openapi.json", document.currentScript.src).href;
SwaggerUIBundle({
  url: description,
  domNode: document.getElementById("calls"),
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  // Authkeys stay in the page and go when it does.
  persistAuthorization: false,
  tryItOutEnabled: true,
  // Nothing is asked of anybody but this server.
  validatorUrl: null,
});
