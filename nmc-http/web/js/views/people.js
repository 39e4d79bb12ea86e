export const people = () => ({ element: document.createElement('div') });
