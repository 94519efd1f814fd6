"use strict";
const add = (parent, tag, text) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
};
const schemaOf = (content, all) => {
  const first = content && Object.values(content)[0];
  const ref = first && first.schema && first.schema.$ref;
  return ref ? all[ref.split("/").pop()] : first && first.schema;
};
const fold = (parent, title, data) => {
  if (!data) return;
  const made = add(parent, "details");
  add(made, "summary", title);
  add(made, "pre", JSON.stringify(data, null, 2));
};
fetch("openapi.json").then((answer) => answer.json()).then((found) => {
  const routes = document.getElementById("routes");
  const all = found.components.schemas;
  for (const [path, methods] of Object.entries(found.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const head = add(routes, "h2");
      add(head, "b", method.toUpperCase());
      head.append(path);
      add(routes, "p", operation.summary);
      fold(routes, "parameters", operation.parameters.length ? operation.parameters : null);
      fold(routes, "body", operation.requestBody && schemaOf(operation.requestBody.content, all));
      for (const [status, answer] of Object.entries(operation.responses)) {
        if (status < 300) fold(routes, `answer ${status}`, schemaOf(answer.content, all));
      }
    }
  }
});
